"""Several seeds as one model: the numbers, runs, resumes and faults are those of separate trainings."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from small_runs import never_ended
from torch import nn

import unbraid
from unbraid.data import open_data
from unbraid.engine import Players, Stopped, TrainingError, train
from unbraid.engine.turns import StepReport
from unbraid.model import build_method
from unbraid.runs import Run, RunError, checkpoint
from unbraid_configs import Recipe, RecipeError, load_recipe, make_recipe
from unbraid_plugins.tools.studies import train_seeds, train_together
from unbraid_plugins.tools.studies.batched.noise import SeedNoise
from unbraid_plugins.tools.studies.batched.players import SeedsAtOnce, joint_players
from unbraid_plugins.tools.studies.batched.stack import Stack
from unbraid_plugins.tools.studies.batched.training import with_seed
from unbraid_registry import UnbraidError

SEEDS, STEPS = (0, 1, 5), 4
RELATIVES = ("beta-vae-shapes", "factor-vae-shapes", "beta-tcvae-shapes", "dip-vae-shapes")
GAN: dict[str, Any] = {
    "data": {"source": {"type": "sprites", "size": 8, "count": 60}, "draw": {"x": {}}, "batch": 4, "workers": 0},
    "networks": {"generator": {"type": "mlp_generator", "hidden": [8]},
                 "critic": {"type": "mlp_critic", "hidden": [8]}},
    "flow": {"fake": "generator(normal(size=4))"},
    "players": {
        "critic": {"turns": 2, "trains": "critic", "minimizes": {"realism": "gan.tell_apart(critic(x), critic(fake))"}},
        "generator": {"trains": "generator", "minimizes": {"realism": "ramp(over=3) * gan.fool(critic(fake))"}}},
    "functions": {"generate()": "fake"},
    "train": {"steps": STEPS, "log_every": 1, "checkpoint_every": 2, "picture_every": 100, "tensorboard": False,
              "average": 0.5},
}


@pytest.fixture
def double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def small(name: str, *overrides: str) -> Recipe:
    if name == "gan":
        return make_recipe(GAN, overrides)
    critic = ["networks.critic.width=16"] if name == "factor-vae-shapes" else []
    return load_recipe(name, ["data.batch=4", "data.workers=0", "data.source.size=16", *critic, *overrides])


def players(recipe: Recipe) -> list[Players]:
    data = open_data(recipe.data)
    return [Players(build_method(with_seed(recipe, seed), data.facts), data.with_seed(seed).batch,
                    torch.device("cpu"), seed) for seed in SEEDS]


def assert_same(together: Sequence[Players], alone: Sequence[Players], reports: Sequence[Sequence[StepReport]], *,
                losses: float, weights: float) -> None:
    """The singles after `reports`, those of all steps, are what `alone` becomes by itself."""
    for step, own in enumerate(reports):
        for report, by_itself in zip(own, alone, strict=True):
            expected = by_itself.step(step)
            assert report.outcomes == expected.outcomes
            assert report.numbers() == pytest.approx(expected.numbers(), rel=losses, abs=losses / 100)
    for ours, theirs in zip(together, alone, strict=True):
        for name, module in theirs.method.modules.items():
            for a, b in zip(ours.method.modules[name].parameters(), module.parameters(), strict=True):
                torch.testing.assert_close(a, b, rtol=0, atol=weights, msg=lambda m, name=name: f"{name}: {m}")


def compare(recipe: Recipe, *, losses: float = 1e-9, weights: float = 1e-9) -> None:
    together, alone = players(recipe), players(recipe)
    many = joint_players(together)
    assert_same(together, alone, [many.play(step) for step in range(STEPS)], losses=losses, weights=weights)


@pytest.mark.parametrize("name", [*RELATIVES, "gan"])
@pytest.mark.usefixtures("double_precision")
def test_seeds_together_are_seeds_alone(name: str) -> None:
    compare(small(name))


@pytest.mark.parametrize("name", [*RELATIVES, "gan"])
def test_in_single_precision_they_differ_by_rounding(name: str) -> None:
    """Plain descent: Adam divides by the gradient's size, which makes much of a rounded zero."""
    recipe = small(name)
    sgd = attrs.evolve(recipe.train.optimizer, type="sgd",
                       lr=attrs.evolve(recipe.train.optimizer.lr, text="1.0e-3"))
    compare(attrs.evolve(recipe, train=attrs.evolve(recipe.train, optimizer=sgd), players={
        k: attrs.evolve(p, optimizer=None) for k, p in recipe.players.items()}), losses=1e-4, weights=1e-5)


def test_every_seed_has_its_own_order_of_images() -> None:
    data = open_data(small("gan").data)
    orders = [data.with_seed(seed).drawn(0, 0, "x").tolist() for seed in SEEDS]
    assert orders == [open_data(small("gan").data, seed=seed).drawn(0, 0, "x").tolist() for seed in SEEDS]
    assert len({str(order) for order in orders}) == len(SEEDS)


@pytest.mark.usefixtures("double_precision")
def test_shared_noise_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    own = SeedNoise.at
    monkeypatch.setattr(SeedNoise, "at", lambda self, name: own(attrs.evolve(self, place=0, own=[]), name))
    with pytest.raises(AssertionError):
        compare(small("beta-vae-shapes"))


@pytest.mark.usefixtures("double_precision")
def test_an_average_over_seeds_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    own = SeedsAtOnce.gradients
    monkeypatch.setattr(SeedsAtOnce, "gradients", lambda self, total, *rest: own(self, total / 3, *rest))
    with pytest.raises(AssertionError):
        compare(small("gan", "train.optimizer.type=sgd"))


# -- runs -------------------------------------------------------------------------------------------------------------


def tensors(run: Run, step: int | None = None) -> dict[str, torch.Tensor]:
    found = checkpoint.steps(run.checkpoints)
    return checkpoint.flat(checkpoint.read(found[max(found) if step is None else step]).groups)


def assert_equal(a: Run, b: Run, *, tolerance: float = 0.0) -> None:
    one, other = tensors(a), tensors(b)
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=tolerance, msg=lambda m, n=name: f"{n}: {m}")
    assert [m.keys() for m in a.metrics()] == [m.keys() for m in b.metrics()]
    for ours, theirs in zip(a.metrics(), b.metrics(), strict=True):
        assert ours == pytest.approx(theirs, rel=tolerance)


@pytest.mark.usefixtures("double_precision")
def test_every_seed_has_a_run_as_if_it_were_trained_alone(tmp_path: Path) -> None:
    runs = train_seeds(small("gan"), SEEDS, tmp_path / "study")
    assert [run.folder.name for run in runs] == ["seed=0", "seed=1", "seed=5"]
    for seed, run in zip(SEEDS, runs, strict=True):
        alone = train(with_seed(small("gan"), seed), tmp_path / f"alone{seed}")
        assert_equal(run, alone, tolerance=1e-9)
        assert run.recipe_file.read_text() == alone.recipe_file.read_text()
        session = run.record()["sessions"][0]
        assert (session["seed"], session["beside"], session["exit"]) == (seed, list(SEEDS), "finished")
        assert {p.name for p in alone.folder.iterdir()} == {p.name for p in run.folder.iterdir()}
        assert torch.isfinite(unbraid.load(run.folder).generate()).all()
    assert runs[0].metrics() != runs[1].metrics()
    with pytest.raises(RunError, match="already has a run"):
        train_seeds(small("gan"), SEEDS, tmp_path / "study")


@pytest.mark.usefixtures("double_precision")
def test_resumed_together_or_alone(tmp_path: Path) -> None:
    whole = train_seeds(small("gan"), SEEDS, tmp_path / "whole")
    train_seeds(small("gan", "train.steps=2"), SEEDS, tmp_path / "cut" / "{seed}")
    shutil.copytree(tmp_path / "cut", tmp_path / "alone")
    again = train_seeds(small("gan"), SEEDS, tmp_path / "cut" / "{seed}", resume=True)
    for seed, one, other in zip(SEEDS, whole, again, strict=True):
        assert_equal(one, other)
        assert len(other.record()["sessions"]) == 2
        alone = train(with_seed(small("gan"), seed), tmp_path / "alone" / str(seed), resume=True)
        assert_equal(one, alone, tolerance=1e-9)
        assert "beside" not in alone.record()["sessions"][1]


def test_a_kill_between_two_seeds_checkpoints_loses_one_checkpoint_at_most(tmp_path: Path) -> None:
    recipe = small("gan", "train.keep=1")
    whole = train_seeds(recipe, SEEDS, tmp_path / "whole")
    cut = train_seeds(attrs.evolve(recipe, train=attrs.evolve(recipe.train, steps=2)), SEEDS, tmp_path / "cut")
    shutil.copytree(whole[0].checkpoints / "step-00000004", cut[0].checkpoints / "step-00000004")
    for one, other in zip(whole, train_seeds(recipe, SEEDS, tmp_path / "cut", resume=True), strict=True):
        assert_equal(one, other)
    for run in cut:                                # killed while the first checkpoints were written
        never_ended(run)
    for run in cut[1:]:
        shutil.rmtree(run.checkpoints)
    for one, other in zip(whole, train_seeds(recipe, SEEDS, tmp_path / "cut", resume=True), strict=True):
        assert_equal(one, other)


def test_checkpoints_are_forgotten_when_all_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    own = checkpoint.write

    def write(folder: Path, state: checkpoint.Checkpoint) -> Path:
        written = own(folder, state)
        steps = [set(checkpoint.steps(other)) for other in sorted(tmp_path.glob("*/checkpoints"))]
        seen.append(len(set.intersection(*steps)) if len(steps) == len(SEEDS) else 0)
        return written

    monkeypatch.setattr(checkpoint, "write", write)
    train_seeds(small("gan", "train.keep=1", "train.checkpoint_every=1"), SEEDS, tmp_path)
    assert len(seen) == STEPS * len(SEEDS)
    assert all(common for common in seen[len(SEEDS) - 1:]), seen


def test_runs_that_stand_apart_are_resumed_one_by_one(tmp_path: Path) -> None:
    recipe = small("gan", "train.keep=1")
    runs = train_seeds(recipe, SEEDS, tmp_path)
    train(attrs.evolve(recipe, train=attrs.evolve(recipe.train, steps=6)), runs[0].folder, resume=True)
    with pytest.raises(RunError, match=r"no checkpoint of one step: seed=0 at 6, seed=1 at 4"):
        train_seeds(recipe, SEEDS, tmp_path, resume=True)


def test_a_signal_stops_all_with_checkpoints_of_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Players.play

    def play(self: Players, step: int, *, watch: bool = False) -> list[StepReport]:
        if step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return own(self, step, watch=watch)

    monkeypatch.setattr(Players, "play", play)
    with pytest.raises(Stopped, match="SIGTERM"):
        train_seeds(small("gan", "train.checkpoint_every=100"), SEEDS, tmp_path)
    for seed in SEEDS:
        run = Run.at(tmp_path / f"seed={seed}")
        assert (list(checkpoint.steps(run.checkpoints)), run.record()["sessions"][0]["exit"]) == ([3], "SIGTERM")


@pytest.mark.filterwarnings("ignore:step")
def test_a_seed_that_fails_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(singles: Sequence[Players]) -> Players:
        with torch.no_grad():
            next(singles[1].method.modules["generator"].parameters()).fill_(torch.inf)
        return joint_players(singles)

    monkeypatch.setattr("unbraid_plugins.tools.studies.batched.training.joint_players", broken)
    recipe = small("gan", "train.steps=12", "train.average=null")
    with pytest.raises(TrainingError, match="not finite for 10 steps up to step 9"):
        train_seeds(recipe, SEEDS, tmp_path / "many")
    exits = [Run.at(tmp_path / "many" / f"seed={s}").record()["sessions"][0]["exit"] for s in SEEDS]
    assert (exits[0], exits[2]) == ("finished", "finished")
    assert exits[1].startswith("TrainingError")
    alone = train(recipe, tmp_path / "alone")
    ours, theirs = Run.at(tmp_path / "many/seed=0").metrics()[-1], alone.metrics()[-1]
    assert ours == pytest.approx(theirs, rel=1e-3)


# -- what can't be one model ------------------------------------------------------------------------------------------


def test_recipes_that_differ_in_more_than_the_seed_are_refused(tmp_path: Path) -> None:
    one, other = small("gan"), with_seed(small("gan", "data.batch=8"), 1)
    with pytest.raises(UnbraidError, match="their seed alone; these differ in data"):
        train_together([one, other], [tmp_path / "1", tmp_path / "2"])
    with pytest.raises(UnbraidError, match=r"must differ.*\[3, 3\]"):
        train_seeds(one, [3, 3], tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_can_not_be_stacked_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnbraidError, match=r"train\.compile"):
        train_seeds(small("gan", "train.compile=true"), SEEDS, tmp_path)
    gated = {**GAN, "networks": {**GAN["networks"], "critic": {"type": "conv_critic", "width": 4, "norm": "spectral"}},
             "players": {**GAN["players"], "critic": {
                 **GAN["players"]["critic"], "when": "gan.accuracy(critic(x), critic(fake)) < 0.9"}}}
    with pytest.raises(RecipeError, match=r"players\.critic\.when: seeds decide apart .* critic keep statistics"):
        train_seeds(make_recipe(gated), SEEDS, tmp_path)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UnbraidError, match="torchrun"):
        train_seeds(small("gan"), SEEDS, tmp_path)
    assert not list(tmp_path.iterdir())


class Constant(nn.Module):
    """A network with a tensor that is neither weight nor buffer."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.inner.offset = torch.full((2,), number)  # type: ignore[assignment]


def test_tensors_outside_of_weights_and_buffers_must_be_the_same() -> None:
    Stack.of("net", [Constant(1.0), Constant(1.0)])
    with pytest.raises(UnbraidError, match=r"networks\.net: Linear\.offset"):
        Stack.of("net", [Constant(1.0), Constant(2.0)])


def test_a_stack_and_its_modules_see_each_other() -> None:
    own = [nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)) for _ in SEEDS]
    own[0][0].bias = own[0][1].bias                # shared weights stay shared
    for module in own[1:]:
        module[0].bias = module[1].bias
    stack = Stack.of("net", own)
    assert len(list(stack.module.parameters())) == len(list(own[0].parameters())) == 3
    with torch.no_grad():
        own[1][0].weight.fill_(7.0)
        stack.module[1].running_mean[2].fill_(3.0)
    assert np.all(stack.module[0].weight[1].detach().numpy() == 7.0)
    assert np.all(own[2][1].running_mean.numpy() == 3.0)
    assert not (stack.module[0].weight[0] == 7.0).any()
