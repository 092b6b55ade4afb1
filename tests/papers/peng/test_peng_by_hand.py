"""Peng et al. as the paper's equations in a plain loop, over both stages: the engine makes the same weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from by_hand import Hand, compare
from torch import Tensor
from torch.nn import functional as F

pytestmark = pytest.mark.usefixtures("double_precision")
NARROW = ("networks.features.width=2", "networks.features.features=10", "networks.rebuild.features=10",
          "networks.landmark_head.points=5", "weights.landmarks=10",
          "weights.self=1 * after(1)", "weights.cross=2 * after(1)", "train.optimizer.lr=1.0e-3")


def test_peng(posed: dict[str, Any]) -> None:
    recipe = {"base": "peng", "code": {"identity": 5, "other": 3},
              "data": {"sources": {"faces": posed}, "splits": {"train": 1.0}, "batch": 4}}

    def placed(found: Tensor, x: tuple[Tensor, ...]) -> Tensor:
        """The landmarks that can be seen and are known, one by one."""
        points, visible, total = x[0].reshape(-1, 2), x[1].reshape(-1), []
        for p, q, v in zip(found.reshape(-1, 2), points, visible, strict=True):
            if v == 1 and not q.isnan().any():
                total.append((p - q).square().sum())
        return torch.stack(total).mean()

    def loop(h: Hand, step: int) -> None:
        x = [h.draw(step, name) for name in ("x1", "x2")]
        who, pose, points, visible = ([h.draw(step, name, field) for name in ("x1", "x2")]
                                      for field in ("identity", "view", "landmarks", "visible"))
        e = [h.features(v) for v in x]
        i, n = zip(*(h.split(v).split([5, 3], 1) for v in e), strict=True)
        loss = 0
        for k in range(2):
            found = h.landmark_head(n[k]).parts
            known = ~visible[k].isnan()
            loss = loss + (F.cross_entropy(h.who(i[k]), who[k]) + F.mse_loss(h.pose_head(n[k]), pose[k])
                           + 10 * placed(found["points"], (points[k], visible[k]))
                           + F.binary_cross_entropy(found["visible"].sigmoid()[known], visible[k][known]))
        if step >= 1:                              # the second stage
            for a, b in ((0, 0), (1, 1)):
                loss = loss + F.mse_loss(h.rebuild(i[a], n[b]), h.constant(e[b]))
            for a, b in ((1, 0), (0, 1)):          # the identity of the one, the rest of the other
                loss = loss + 2 * F.mse_loss(h.rebuild(i[a], n[b]), h.constant(e[b]))
        h.move("recogniser", loss)

    compare(recipe, NARROW, loop, steps=4)
