"""Games of all kinds with several seeds as one model: each seed's numbers are those of its own training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from small_games import PLAYED, SmallGame, difference, game
from small_recipes import gan
from test_average_networks import RECIPE as AVERAGED
from test_networks_with_state import DROPPING, PENALISED
from test_remembering_networks import with_pool

from unbraid.engine.turns import StepReport
from unbraid_plugins.tools.studies.batched.players import joint_players
from unbraid_plugins.tools.studies.batched.vmapped import Together

SEEDS = (0, 3)
NORMED = {"type": "conv_critic", "width": 4, "norm": "batch"}
CLIPPED = {"critic": {"trains": "critic", "clip": 0.01, "optimizer": {"type": "sgd", "lr": 0.1, "momentum": 0.9},
                      "minimizes": {"realism": "gan.tell_apart(critic(x), critic(fake))"}}}
STATES: dict[str, Mapping[str, Any]] = {
    "dropout": gan(critic=DROPPING), "batch norm": gan(critic=NORMED), "penalties": PENALISED,
    "pool": with_pool(turns=2), "average": AVERAGED, "clipped": gan(players=CLIPPED)}


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def compare(given: str | Mapping[str, Any], *, accumulate: int = 1) -> list[list[StepReport]]:
    """Three steps of both seeds together and alone must be equal; gives the steps' reports."""
    def games() -> list[SmallGame]:
        found = [game(given, f"train.seed={seed}") for seed in SEEDS]
        return [small.in_parts(accumulate) for small in found]

    alone, together = games(), games()
    players = joint_players([small.players for small in together])
    steps = [players.play(step, watch=True) for step in range(3)]
    for step, reports in enumerate(steps):
        for own, small in zip(reports, alone, strict=True):
            by_itself = small.players.step(step, watch=True)
            assert own.outcomes == by_itself.outcomes
            assert own.numbers() == pytest.approx(by_itself.numbers(), rel=1e-9, abs=1e-9)
    for ours, theirs in zip(together, alone, strict=True):
        # before batch norm a bias has no gradient but rounding errors, and Adam makes steps of them
        assert difference(ours.weights(), theirs.weights()) < 1e-8
    assert difference(together[0].weights(), together[1].weights()) > 1e-3
    return steps


@pytest.mark.parametrize("name", PLAYED)
def test_the_thirteen_together_are_alone(name: str) -> None:
    compare(name)


@pytest.mark.parametrize("convolutions", ["in turn", "at once"])
@pytest.mark.parametrize("kind", STATES)
def test_networks_with_state_together_are_alone(kind: str, convolutions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if convolutions == "at once":                  # as they are on a GPU
        monkeypatch.setattr(Together, "_better_in_turn", lambda self: False)
    compare(STATES[kind])


def test_batches_in_parts_together_are_alone() -> None:
    compare("infogan", accumulate=2)


def test_each_seed_has_its_own_gate() -> None:
    recipe = gan(players={"critic": {"when": "gan.accuracy(critic(x), critic(fake)) < 0.45",
                                     **gan()["players"]["critic"]}})
    outcomes = [[dict(own.outcomes)["critic"] for own in reports] for reports in compare(recipe)]
    assert any(len(set(step)) == 2 for step in outcomes), f"the seeds should differ: {outcomes}"


def test_a_seed_that_is_not_finite_stays_and_the_others_move() -> None:
    together, alone = [[game("betavae", f"train.seed={seed}") for seed in SEEDS] for _ in range(2)]
    for small in (together[0], alone[0]):
        with torch.no_grad():
            next(small.method.modules["encoder"].parameters()).fill_(torch.nan)
    before = together[0].weights()
    first, second = joint_players([small.players for small in together]).play(0)
    assert (first.outcomes, second.outcomes) == ([("vae", "not finite")], [("vae", "updated")])
    assert first.not_finite == alone[0].players.step(0).not_finite
    assert not together[0].moved({n: {k: torch.nan_to_num(t) for k, t in w.items()} for n, w in before.items()}
                                 ) - {"encoder"}
    alone[1].players.step(0)
    assert difference(together[1].weights(), alone[1].weights()) < 1e-12
