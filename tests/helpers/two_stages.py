"""Ma et al. on a file of small persons: both stages, in networks that take milliseconds a step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from people import people

from unbraid import load
from unbraid.engine import train
from unbraid.model import Model
from unbraid.runs import Run
from unbraid_configs import make_recipe

SMALL = ("train.tensorboard=false", "train.picture_every=1000", "train.optimizer.lr=1.0e-3", "data.workers=0",
         "data.batch=4")
CODE = {"foreground": "7 x 3", "background": 4, "pose": 5}
FIRST: dict[str, Any] = {
    "base": "ma-persons-small", "code": CODE,
    "networks": {**{n: {"width": 2} for n in ("stem", "background_encoder", "critic")},
                 "part_encoder": {"width": 2, "crop": 8}, "generator": {"width": 2, "neck": 4},
                 "pose_encoder": {"width": 8, "blocks": 1}, "pose_decoder": {"width": 8, "blocks": 1}}}
SECOND: dict[str, Any] = {
    "base": "ma-sampling-small", "code": CODE,
    "networks": {"map_foreground, map_background, map_pose": {"width": 8, "blocks": 1},
                 "critic_foreground, critic_background, critic_pose": {"hidden": [8]}},
    "flow": {"foreground": "map_foreground(normal(size=21, std=0.2))",
             "background": "map_background(normal(size=4, std=0.2))", "pose": "map_pose(normal(size=5, std=0.2))"}}


def stage_one(folder: Path, steps: int = 2, changes: Mapping[str, Any] | None = None, *overrides: str) -> Run:
    """Train stage one in a folder."""
    data = {"source": {"path": str(people(folder)), "size": None}, "split_by": None}
    recipe = make_recipe({**FIRST, "data": data, **(changes or {})}, [*SMALL, f"train.steps={steps}", *overrides])
    return train(recipe, folder / "one")


def second(run: Run, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The recipe of stage two after a run of stage one."""
    taken = ("stem", "part_encoder", "background_encoder", "pose_encoder", "pose_decoder", "generator")
    networks = {**SECOND["networks"], **{n: {"from": f"{run.folder}#{n}"} for n in taken}}
    return {**SECOND, "networks": networks, "data": {"source": {"run": str(run.folder)}}, **(changes or {})}


def model(run: Run) -> Model:
    """The model of a run."""
    return load(run.folder)
