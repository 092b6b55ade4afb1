"""Two processes as one: the same weights on both ranks, and those of one process with the joined batch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

from unbraid import checkpoint
from unbraid.engine import train
from unbraid.record import Run
from unbraid_configs import Recipe, make_recipe

STEPS = 5


def recipe(batch: int) -> Recipe:
    return make_recipe({
        "data": {"source": {"type": "sprites", "size": 8, "count": 60}, "batch": batch, "workers": 0},
        "code": {"z": 4},
        "networks": {"encoder": {"type": "mlp_encoder", "hidden": [8]},
                     "generator": {"type": "mlp_generator", "hidden": [8]}},
        "flow": {"y": "generator(encoder(x))"},
        "players": {"all": {"trains": ["encoder", "generator"], "when": "mse(y, x) < 10",
                            "minimizes": {"rebuild": "mse(y, x)"}}},
        "train": {"steps": STEPS, "tensorboard": False, "optimizer": {"type": "sgd", "lr": 0.1}},
    })


SCRIPT = """
import pathlib, sys
sys.path.insert(0, {folder!r})
from test_processes import recipe
from unbraid.engine import train
train(recipe(4), {out!r})
threads = [name.read_text() for name in pathlib.Path("/proc/self/task").glob("*/comm")]
assert not [name for name in threads if "gloo" in name], "a thread that outlives its group aborts the exit"
"""


def test_two_processes_equal_one_with_the_joined_batch(tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(SCRIPT.format(folder=str(Path(__file__).parent), out=str(tmp_path / "two")))
    done = subprocess.run([sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone",
                           str(tmp_path / "two.py")], env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    two, one = Run.at(tmp_path / "two"), train(recipe(8), tmp_path / "one")
    assert two.record()["sessions"][0]["world"] == 2
    a, b = (checkpoint.read(run.last_checkpoint()).groups["networks"] for run in (one, two))
    for name, weight in a.items():
        torch.testing.assert_close(weight, b[name], rtol=1e-5, atol=1e-7)
