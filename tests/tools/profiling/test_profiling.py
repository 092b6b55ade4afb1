"""Where a step's time goes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from unbraid import load_recipe
from unbraid.engine import UPDATE, Training
from unbraid.runs import Run
from unbraid_plugins.tools.profiling import Profile, Spent, profile
from unbraid_plugins.tools.profiling.command import command, table
from unbraid_plugins.tools.profiling.profiler import REST, _mark


@pytest.fixture
def training(tmp_path: Path) -> Training:
    recipe = load_recipe("mixing-sprites", ["data.source.count=64", "data.batch=4"])
    return Training.start(recipe, Run(tmp_path / "run"), torch.device("cpu"))


def test_every_millisecond_has_a_place(training: Training, tmp_path: Path) -> None:
    before = {k: v.clone() for k, v in training.method.modules["encoder"].state_dict().items()}
    found = profile(training, steps=3)
    spent = {(s.player, s.what): s for s in found.spent}
    assert set(spent) == {("", "data"), *(("critic", w) for w in ("encoder", "generator", "critic", REST, UPDATE)),
                          *(("autoencoder", w) for w in ("encoder", "generator", "critic", "classifier", REST, UPDATE))}
    assert sum(s.forward + s.backward for s in found.spent) == pytest.approx(1000 * found.observed, rel=0.3)
    assert all(s.forward >= 0 and s.backward >= 0 for s in found.spent)
    trained = {("critic", "critic"), ("autoencoder", "encoder"), ("autoencoder", "generator"),
               ("autoencoder", "classifier"), ("autoencoder", "critic")}      # through the critic, not into it
    for key, s in spent.items():
        assert (s.backward > 0.1) == (key in trained) or s.what == REST
    after = training.method.modules["encoder"].state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert not (tmp_path / "run").exists()


def test_players_that_are_watched_play_the_same(training: Training) -> None:
    plain, watched = training.trial(), training.trial(_mark)
    for step in range(2):
        assert plain.step(step).numbers() == watched.step(step).numbers()
    for a, b in zip(plain.method.modules["generator"].parameters(), watched.method.modules["generator"].parameters(),
                    strict=True):
        assert torch.equal(a, b)


def test_the_table_says_shares_of_a_step() -> None:
    found = Profile((Spent("", "data", 1.0, 0.0), Spent("critic", "critic", 3.0, 6.0)), 0.008, 0.01, "cpu")
    lines = table(found).splitlines()
    assert lines[0].startswith("8.0 ms a step on cpu (125.0 steps/s; 10.0 ms while it was observed)")
    assert lines[2].split() == ["all", "data", "1.00", "10", "%"]
    assert lines[3].split() == ["critic", "critic", "3.00", "6.00", "90", "%"]


def test_the_command_needs_a_recipe() -> None:
    result = CliRunner().invoke(command, [], obj=None)
    assert result.exit_code == 2
    assert "Missing argument 'RECIPE'" in result.output
