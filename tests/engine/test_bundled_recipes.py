"""Every bundled recipe trains, and goes on exactly where it stopped: cut between two turns and after a kill -9."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from cutting import CutError, cut_at
from forking import FORKING
from narrow_recipes import narrow, own_data, undrawn
from small_runs import assert_equal, tensors

from unbraid.engine import train
from unbraid.runs import Run, checkpoint
from unbraid_configs import bundled_recipes

__all__ = ["own_data"]


def run(name: str, out: Path, steps: int, *, resume: bool = False, every: int = 1) -> Run:
    recipe = narrow(name, f"train.steps={steps}", f"train.checkpoint_every={every}")
    return train(recipe, out, resume=resume)


TRAINED = [name for name in bundled_recipes() if not name.startswith("view-graph")]      # fitted, before step 0


@pytest.mark.parametrize("name", TRAINED)
def test_two_and_two_steps_are_four(name: str, tmp_path: Path) -> None:
    whole = run(name, tmp_path / "whole", 4)
    with pytest.MonkeyPatch.context() as cutting:
        undrawn(cutting)
        cut_at(cutting, step=2)                    # in the third step, when the first player has moved
        with pytest.raises(CutError):
            run(name, tmp_path / "cut", 4, every=2)
    cut = run(name, tmp_path / "cut", 4, resume=True)
    assert_equal(tensors(whole), tensors(cut))
    assert [m["step"] for m in whole.metrics()] == [m["step"] for m in cut.metrics()] == [1, 2, 3, 4]
    assert whole.metrics() == cut.metrics()
    assert all(np.isfinite(v) for m in whole.metrics() for v in m.values())


def train_on_and_on(name: str, out: Path, environment: dict[str, str]) -> None:
    os.environ |= environment
    undrawn(pytest.MonkeyPatch())
    torch.set_num_threads(1)
    run(name, out, 1000)


@pytest.mark.parametrize("name", bundled_recipes())
def test_a_kill_at_a_random_moment_loses_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    undrawn(monkeypatch)
    killed = Run(tmp_path / "killed")
    process = FORKING.Process(target=train_on_and_on, args=(name, killed.folder, dict(os.environ)))
    process.start()
    deadline = time.monotonic() + 120
    while not checkpoint.steps(killed.checkpoints) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(random.Random(name + str(os.getpid())).uniform(0, 0.5))
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    reached = max(checkpoint.steps(killed.checkpoints))
    again = run(name, killed.folder, reached + 2, resume=True, every=1000)
    assert_equal(tensors(run(name, tmp_path / "whole", reached + 2, every=1000)), tensors(again))
