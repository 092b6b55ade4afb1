"""A recipe that trains in no time and made-up studies."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unbraid_configs import dump_recipe
from unbraid_plugins.tools.studies import Plan, Study

SMALL = """\
title: A small VAE
data:
  source: {type: npz, path: PATH}
  batch: 4
  workers: 0
code: {z: 3}
weights: {beta: 1, gamma: 1}
networks:
  encoder:    {type: mlp_encoder, hidden: [8], gaussian: true}
  generator:  {type: mlp_generator, hidden: [8], output: logits}
flow:
  q: encoder(x)
  z: sample(q)
  y: generator(z)
players:
  vae:
    trains: [encoder, generator]
    minimizes:
      rebuild: bernoulli(y, x)
      prior: beta * gamma * kl(q)
functions:
  encode(x): q.mean
  decode(z): sigmoid(y)
train: {steps: 6, log_every: 1, checkpoint_every: 3, picture_every: 100000, tensorboard: false, device: cpu}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The file of a small recipe on 40 images of noise."""
    np.savez(tmp_path / "noise.npz", images=np.random.default_rng(0).integers(0, 255, (40, 8, 8, 1), np.uint8))
    path = tmp_path / "small.yaml"
    path.write_text(SMALL.replace("PATH", str(tmp_path / "noise.npz")))
    return path


Scores = Callable[[dict[str, str]], dict[str, dict[str, Any]]]


@pytest.fixture
def made_up(small: Path, tmp_path: Path) -> Callable[..., Study]:
    """`made_up(["weights.beta=1,4", "seed=0..2"], scores)`: a study whose runs have these scores, and no weights.

    scores: values of a point -> arm -> metric -> score.
    """
    def make(arguments: Sequence[str], scores: Scores, name: str = "study", better: dict[str, str] | None = None
             ) -> Study:
        study = Study(tmp_path / name)
        plan = study.begin(Plan.of([str(small)], arguments))
        for point in plan.points:
            run = study.run(point)
            (run.checkpoints / "step-00000006").mkdir(parents=True)
            (run.checkpoints / "step-00000006/state.json").write_text("{}")
            run.recipe_file.write_text(dump_recipe(plan.recipe(point)))
            run.write_record({"sessions": [{"exit": "finished", "started": "2026-01-01T10:00:00+0000",
                                            "ended": "2026-01-01T10:01:30+0000"}]})
            arms = {arm: {m: s if isinstance(s, dict) else {"score": s} for m, s in found.items()}
                    for arm, found in scores(dict(point.values)).items()}
            evaluation = {"step": 6, "arms": arms, "metrics": {m: {"better": b} for m, b in (better or {}).items()}}
            (run.folder / "evaluation.json").write_text(json.dumps(evaluation))
        return study

    return make
