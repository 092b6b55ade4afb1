"""What each code of Ma et al. may not depend on, and the broken variants that let it.

Mask inverted, visibility ignored, the critics' sign exchanged: each is a change of a line of the recipe.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from people import people
from torch import Tensor
from two_stages import FIRST, SMALL, second, stage_one

from unbraid import Code
from unbraid.data import open_data
from unbraid.engine import Players
from unbraid.model import Model, build_method, load_pretrained, with_pretrained
from unbraid_configs import make_recipe
from unbraid_plugins.shared.keypoints.skeletons import COCO

INVERTED = {"foreground": "part_encoder(h - h * seen.mask, seen.boxes, seen.visible)",
            "background": "background_encoder(h * seen.mask)"}
IGNORED = {"foreground": "part_encoder(h * seen.mask, seen.boxes)"}


def codes(folder: Path, flow: dict[str, str]) -> tuple[Code, Code, Code, Code]:
    """The codes of a person, before another background, in other clothes, and without a seen left leg."""
    data = {"source": {"path": str(people(folder)), "size": None}, "split_by": None}
    recipe = make_recipe({**FIRST, "data": data, "flow": flow}, SMALL)
    opened = open_data(recipe.data)
    method = build_method(recipe, opened.facts)
    model = Model(method, method.modules)
    x, joints = opened.images([1, 2]), opened.field("joints", [1, 2])
    mask = method.modules["skeleton"](joints).parts["mask"]
    far = torch.nn.functional.max_pool2d(mask, 9, stride=1, padding=4) == 0           # beyond the stem's reach
    inside = torch.nn.functional.max_pool2d(1 - mask, 9, stride=1, padding=4) == 0
    assert far.any()
    assert inside.any()
    legless = joints.clone()
    legless[:, [COCO.joints.index(f"left_{j}") for j in ("hip", "knee", "ankle")]] = 0

    def encoded(image: Tensor, told: Tensor = joints) -> Code:
        return model.code(image, {"x.joints": told})

    return (encoded(x), encoded(torch.where(far, 1 - x, x)), encoded(torch.where(inside, 1 - x, x)),
            encoded(x, legless))


def same(a: Code, b: Code) -> bool:
    return torch.allclose(a.tensor, b.tensor, atol=1e-6)


def test_foreground_and_background_see_their_side_of_the_mask(tmp_path: Path) -> None:
    plain, before, clothed, _ = codes(tmp_path, {})
    assert same(plain.foreground, before.foreground)
    assert not same(plain.background, before.background)
    assert same(plain.background, clothed.background)
    assert not same(plain.foreground, clothed.foreground)
    assert same(plain.pose, before.pose)
    assert same(plain.pose, clothed.pose)


def test_with_the_mask_inverted_the_foreground_follows_the_background(tmp_path: Path) -> None:
    plain, before, clothed, _ = codes(tmp_path, INVERTED)
    assert not same(plain.foreground, before.foreground)
    assert same(plain.foreground, clothed.foreground)


def test_a_leg_that_is_not_seen_has_no_code_unless_visibility_is_ignored(tmp_path: Path) -> None:
    _, _, _, legless = codes(tmp_path, {})
    assert not legless.foreground6.tensor.any()    # head, body, legs, left arm, right arm, left leg
    assert legless.foreground7.tensor.any()
    _, _, _, ignored = codes(tmp_path, IGNORED)
    assert ignored.foreground6.tensor.any()


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return stage_one(tmp_path_factory.mktemp("first"))


def distances(first: Any, changes: dict[str, Any] | None, steps: int = 40) -> list[float]:
    """The distance of the mean sample from the mean code, before and after a training of stage two."""
    recipe = with_pretrained(make_recipe(second(first, changes), [*SMALL, "train.optimizer.lr=5.0e-3"]))
    data = open_data(recipe.data)
    method = build_method(recipe, data.facts)
    load_pretrained(method)
    players = Players(method, data.batch, torch.device("cpu"))
    fields = data.images_of["source"].fields
    true = np.concatenate([fields[n].values for n in ("foreground", "background", "pose")], 1).mean(0)
    found = []
    for _ in range(2):
        with torch.random.fork_rng():
            made = Model(method, copy.deepcopy(method.modules))("sample", n=200).tensor.mean(0)
        found.append(float((made - torch.tensor(true)).norm()))
        for step in range(steps if len(found) == 1 else 0):
            players.step(step)
    return found


def test_samples_stay_with_the_codes_and_run_away_if_the_critics_sign_is_exchanged(first: Any) -> None:
    start, end = distances(first, None)
    assert end < 2 * start
    wrong = {n: f"wgan.tell_apart(critic_{n}({n}), critic_{n}(x.{n}))" for n in ("foreground", "background", "pose")}
    start, end = distances(first, {"players": {"critics": {"minimizes": wrong}}})
    assert end > 5 * start
