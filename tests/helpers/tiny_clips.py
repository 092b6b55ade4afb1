"""A tiny DrNet on clips, trained in both stages, and files of a clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from unbraid import make_recipe, train
from unbraid_plugins.shared.sources import MovingSprites

SOURCE: dict[str, Any] = {"type": "moving_sprites", "size": 16, "contents": 6, "paths": 6, "frames": 8}
TINY: dict[str, Any] = {
    "base": "drnet", "data": {"source": SOURCE, "batch": 8, "draw": {"film": {"frames": 5}}, "workers": 0},
    "code": {"content": 6, "pose": 4},
    "networks": {"content": {"width": 4}, "pose": {"width": 4}, "generator": {"width": 4}, "critic": {"hidden": [8]},
                 "predictor": {"hidden": 8}},
    "functions": {"predict(seen)": "paint(scene, rollout(predictor, scene, pose(seen), horizon=3))",
                  "both(x)": "pose(x), content(x)", "posed(x, p2)": "generator(join(content(x), p2))"},
    "players": {"critic": {"until_step": 3}, "autoencoder": {"until_step": 3}, "predictor": {"from_step": 3}},
    "train": {"steps": 4, "picture_every": 2, "checkpoint_every": 100, "tensorboard": False, "device": "cpu"}}


@pytest.fixture(scope="session")
def drnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the tiny recipe, not to be changed."""
    return train(make_recipe(TINY), tmp_path_factory.mktemp("clips") / "run").folder


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """An animated picture of 8 frames, and the same frames in the folder `frames` beside it."""
    frames = MovingSprites(size=24, contents=1, paths=1, frames=8).open().read(np.arange(8)).transpose(0, 2, 3, 1)
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures[0].save(tmp_path / "clip.png", format="PNG", save_all=True, append_images=pictures[1:], duration=100)
    (tmp_path / "frames").mkdir()
    for i, picture in enumerate(pictures):
        picture.save(tmp_path / f"frames/frame{i}.png")
    pictures[0].save(tmp_path / "a.png")
    pictures[7].save(tmp_path / "b.png")
    return tmp_path / "clip.png"
