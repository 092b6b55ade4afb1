"""An adversary that stays at chance is told, once, and only then."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from unbraid_configs import Recipe, load_recipe
from unbraid_plugins.tools.adversaries import chance_levels, hooks

LN2 = math.log(2)


def levels(name: str, *overrides: str) -> dict[str, float]:
    return {level.names: level.chance for level in chance_levels(load_recipe(name, list(overrides)))}


@pytest.fixture(autouse=True)
def _paths(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MNIST", "USPS", "FACES", "LPC"):
        monkeypatch.setenv(f"UNBRAID_{name}", "not-read")


@pytest.mark.parametrize(("term", "chance"), [
    ("gan.tell_apart(critic(x1), critic(x3))", 2 * LN2),
    ("0.3 * gan.tell_apart(critic(x1), critic(x3))", 2 * LN2),                          # as it is logged
    ("gan.tell_apart(critic(x1), critic(x3)) + gan.tell_apart(critic(x2), critic(x3))", 4 * LN2),
    ("hinge.tell_apart(critic(x1), critic(x3))", 2),
    ("lsgan.tell_apart(critic(x1), critic(x3))", 0.25),
    ("binary_cross_entropy(critic(x1), 0.5)", LN2),
])
def test_the_loss_of_a_critic_that_knows_nothing(term: str, chance: float) -> None:
    found = levels("mixing-sprites", f"players.critic.minimizes.realism={term}")
    assert found == {"critic/realism": pytest.approx(chance, rel=1e-3)}


@pytest.mark.parametrize("term", ["wgan.tell_apart(critic(x1), critic(x3))", "gradient_penalty(critic, x1, x3)",
                                  "mse(x1, x2)"])
def test_losses_without_a_level(term: str) -> None:
    assert levels("mixing-sprites", f"players.critic.minimizes.realism={term}") == {}


def test_terms_that_say_something_only_together() -> None:
    (level,) = chance_levels(load_recipe("mathieu-mnist-small"))                        # a loss on real, one on fake
    assert level.terms == {"critic/real": 1, "critic/fake": 1}
    assert level.chance == pytest.approx(4 * LN2, rel=0.01)                             # its labels are softened
    assert level.of({"critic/real": 1.0, "critic/fake": 0.5}) == 1.5
    assert level.of({"critic/real": 1.0}) is None


def test_players_that_help_are_no_adversaries() -> None:
    assert levels("beta-vae-shapes") == {}
    assert levels("factor-vae-shapes") == {"critic/tell": pytest.approx(LN2)}           # two logits of an image
    assert {*levels("unit-adaptation")} == {f"critics/{way}_{side}" for way in ("translated", "rebuilt")
                                            for side in "ab"}


def warned(recipe: Recipe, losses: Any, caught: pytest.WarningsRecorder) -> list[str]:
    run = SimpleNamespace(folder=Path("a-run"))
    hooks.unbraid_run_start(run, 0, recipe)
    for step, loss in enumerate(losses):
        hooks.unbraid_log(run, 20 * step, {"critic/realism": loss})
    hooks.unbraid_run_end(run)
    return [str(w.message) for w in caught]


def test_long_at_chance_is_told_once(recwarn: pytest.WarningsRecorder) -> None:
    recipe = load_recipe("mixing-sprites", ["train.steps=4000"])
    (said,) = warned(recipe, [0.7] * 20 + [1.3, 1.45, 1.386] * 60, recwarn)
    assert "critic/realism has been at chance (1.39) since step 420, with a mean of 1.38" in said


@pytest.mark.parametrize("losses", [[1.2] * 200, [1.386] * 40 + [1.0] * 5 + [1.386] * 40, [math.nan] * 200,
                                    [1.2, 1.386, 1.386] * 60])
def test_what_is_alive_is_not_told(losses: list[float], recwarn: pytest.WarningsRecorder) -> None:
    assert warned(load_recipe("mixing-sprites", ["train.steps=4000"]), losses, recwarn) == []


def test_a_training_tells_of_a_critic_that_cannot_learn(unbraid: Any, tiny: Path,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "LONG", 6)
    frozen = ["train.steps=10", "train.log_every=1", "players.critic.optimizer.lr=1.0e-9", "train.tensorboard=false"]
    monkeypatch.setattr(hooks, "NEAR", 0.9)         # untrained scores are not quite equal
    said = unbraid("train", tiny, "--out", "run", *frozen)
    assert said.code == 0
    assert said.err.count("at chance (1.39) since step 1") == 1
