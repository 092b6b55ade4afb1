"""Which factors a recipe's pairs share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unbraid.data import open_data
from unbraid_configs import load_recipe
from unbraid_plugins.tools.evaluation.weak_labels import of_pairs

RECIPE = """
title: Objects
data:
  source: {{type: npz, path: "{path}"}}
  draw: {draw}
  batch: 4
networks: {{net: {{type: conv_encoder}}}}
code: {{z: 2}}
functions: {{encode(x): net(x)}}
players: {{one: {{trains: net, minimizes: {{size: "mse(net(x1), 0)"}}}}}}
train: {{steps: 1}}
"""
CLASSES = {"mesh": 6, "category": 3, "azimuth": 8}


def pairs(folder: Path, draw: str) -> dict[str, object]:
    mesh, azimuth = (a.reshape(-1) for a in np.meshgrid(np.arange(6), np.arange(8), indexing="ij"))
    np.savez(folder / "objects.npz", images=np.zeros((48, 8, 8), np.uint8), mesh=mesh, category=mesh // 2,
             azimuth=azimuth)
    (folder / "recipe.yaml").write_text(RECIPE.format(draw=draw, path=folder / "objects.npz"))
    data = open_data(load_recipe(folder / "recipe.yaml").data, seed=0)
    return of_pairs(data, "source", CLASSES, np.arange(8))


def test_what_follows_from_a_shared_factor_is_shared(tmp_path: Path) -> None:
    found = pairs(tmp_path, "{x1: {}, x2: {same: mesh, as: x1}}")
    assert found["shared_factors"] == ["mesh", "category"]
    np.testing.assert_allclose(found["train_azimuths"], 2 * np.pi * np.arange(8) / 8)


@pytest.mark.parametrize(("draw", "shared"), [
    ("{x1: {}, x2: {same: category, as: x1}}", ["category"]),
    ("{x1: {}, x2: {same: azimuth, as: x1}}", ["azimuth"]),
    ("{x1: {}}", None)])
def test_nothing_more_is_shared(tmp_path: Path, draw: str, shared: list[str] | None) -> None:
    assert pairs(tmp_path, draw).get("shared_factors") == shared
