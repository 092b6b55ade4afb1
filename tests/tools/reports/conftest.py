"""A run's folder as training and evaluation leave it, made by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unbraid_plugins.tools.display import Row, write_rows

RECIPE = """\
title: {title}
paper: Someone, CVPR 2018
data:
  source: {{type: sources.sprites, size: 16}}
weights:
  beta: {beta}
train:
  seed: {seed}
"""
FIGURE = """\
<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300.5 120.25"><title>t</title>
<desc id="description">x1 goes to encoder &amp; generator</desc>
<path d="M 1.25 100.123456" transform="scale(0.015625)"/></svg>
"""


def result(shift: float = 0.0) -> dict[str, Any]:
    """The results of an arm."""
    matrix = [[0.81 - shift, 0.2, 0.3], [0.25, 0.3, 0.7 - shift]]
    return {
        "retrieval_map": {"factors": ["skin", "pose"], "chunks": ["a", "b", "c"], "matrix": matrix, "chance":
                          {"skin": 0.2, "pose": 0.25}, "best": {"skin": "a", "pose": "c"}, "score": 0.755 - shift,
                          "score_one_to_one": 0.755 - shift},
        "linear_probe": {"accuracy": {"skin": 1.0, "pose": 0.9}, "score": 0.95},
        "reconstruction_error": {"mse": 0.002 + shift, "psnr": 27.0 - 10 * shift, "score": 27.0 - 10 * shift},
    }


def evaluation(shift: float = 0.0) -> dict[str, Any]:
    """An evaluation.json."""
    arms = {"model": result(shift), "untrained": result(0.5), "pixels": {k: v for k, v in result(0.4).items() if k !=
            "reconstruction_error"}, "perfect": {"retrieval_map": {"score": 1.0}}}
    arms["model"]["edit_control"] = {
        "factors": ["skin", "pose"], "chunks": ["a", "b", "c"], "matrix": [[0.9, 0.1], [0.05, 0.8]],
        "moved": [[0.9, 0.1], [0.2, 0.3], [0.05, 0.8]], "best": {"skin": "a", "pose": "c"}, "score": 0.77}
    return {
        "format": 1, "title": "t", "step": 1500, "images": 100, "split": "test", "seed": 0,
        "factors": {"skin": 5, "pose": 4}, "data": {"oracles": {"accuracy": {"skin": 1.0}, "score": 0.995}},
        "arms": arms, "intervals": {"model": {"retrieval_map": [0.73 - shift, 0.78 - shift]}},
        "metrics": {"retrieval_map": {"summary": "How well one chunk finds.", "better": "higher", "cost": 1.5},
                    "linear_probe": {"summary": "Can it be read.", "better": "higher", "cost": 0.1}},
        "notes": ["hue has no classes and is left out"], "pictures": {},
        "hooks": {"mine": {"sharpness": 0.5}, "none": {}},
    }


def images(n: int) -> np.ndarray:
    return np.random.default_rng(n).random((n, 3, 16, 16), np.float32)


def make_run(folder: Path, *, title: str = "A title", seed: int = 0, beta: float = 1.0, shift: float = 0.0) -> Path:
    """Write a run."""
    (folder / "pictures").mkdir(parents=True)
    (folder / "recipe.yaml").write_text(RECIPE.format(title=json.dumps(title), seed=seed, beta=beta))
    session = {"command": ["unbraid", "train", "a b"], "started": "2026-01-01T00:00:00+0000", "python": "3.11.7",
               "platform": "Linux", "versions": {"unbraid": "0.1.0", "torch": "2.11.0"}, "device": "cpu", "seed": seed,
               "git": {"commit": "0123456789abcdef", "changed": True}, "to_step": 1500, "exit": "finished", "world": 1}
    (folder / "run.json").write_text(json.dumps({"format": 1, "title": title, "data": {}, "sessions": [session]}))
    lines = [{"step": 25 * i, "vae/rebuild": 100.0 * 0.9 ** i, "vae/prior": 1.0 + i, "beta": 4.0} for i in range(1, 61)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "evaluation.json").write_text(json.dumps(evaluation(shift)))
    (folder / "figure.svg").write_text(FIGURE)
    return folder


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pictures of an evaluation."""
    folder = tmp_path_factory.mktemp("pictures")
    write_rows(folder / "reconstructions.png", [Row(images(10), "image"), Row(images(10), "rebuilt")], 4)
    write_rows(folder / "swaps.png", [Row(images(10), "image"), Row(images(10), "skin of the other", "a")], 4)
    donors = Row(images(3), "skin of donors", "a", "skin (a)", ("x", "y", "z"), 1)
    write_rows(folder / "swap_grids.png", [donors, Row(images(4), "receiver 1", "", "skin (a)")], 4)
    return folder


@pytest.fixture
def run(tmp_path: Path, pictures: Path) -> Path:
    """A whole run."""
    folder = make_run(tmp_path / "run")
    shutil.copytree(pictures, folder / "pictures", dirs_exist_ok=True)
    return folder


@pytest.fixture
def many(tmp_path: Path) -> list[Path]:
    """Two methods with two seeds each, and one with one; without pictures."""
    return [*(make_run(tmp_path / f"low-{s}", seed=s, beta=1.0, shift=0.1 * s) for s in (0, 1)),
            *(make_run(tmp_path / f"high-{s}", seed=s, beta=4.0, shift=0.2 + 0.1 * s) for s in (0, 1)),
            make_run(tmp_path / "other", title="Another method", shift=0.05)]
