"""How often every network is called in a step: as often as in the loop that a careful person writes by hand.

The numbers were counted on a prototype of the language and on hand-written loops before the engine existed.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from small_games import SmallGame, alive, game, recipe_of

from unbraid.engine import forwards

TOTALS = {"mixing": 10, "challenges": 9, "unit": 24, "unit_adaptation": 30, "intrinsic_faces": 9, "mathieu": 16,
          "infogan": 9, "drnet": 7, "drgan": 5, "ma2": 48}

BY_NETWORK = {
    "mixing": {"critic": 3, "encoder": 3, "generator": 3, "classifier": 1},
    "unit": {"critic1": 3, "critic2": 3, "front1": 2, "front2": 2, "inner": 4, "outer": 4, "back1": 3, "back2": 3},
    "infogan": {"trunk": 3, "head": 3, "posterior": 2, "generator": 1},
    "factorvae": {"encoder": 1, "generator": 1, "critic": 3},
    "drnet": {"content": 2, "pose": 2, "critic": 2, "generator": 1},
    "ma2": {**dict.fromkeys(("critic_fg", "critic_bg", "critic_pose"), 11),
            **dict.fromkeys(("map_fg", "map_bg", "map_pose"), 5)},
    "shape3d": {"critic": 3, "generator": 1, "renderer": 1},
}


@pytest.mark.parametrize("name", sorted({*TOTALS, *BY_NETWORK}))
def test_forwards_are_as_few_as_by_hand(name: str) -> None:
    small = game(name)
    planned = forwards(small.method, 0)
    with small.counting() as counted:
        small.play(1, 2)                               # a step without the lazy penalty of shape3d
    assert planned == dict(counted)
    assert sum(counted.values()) == TOTALS.get(name, sum(counted.values()))
    assert dict(counted) == BY_NETWORK.get(name, dict(counted))


def test_a_penalty_calls_its_critic_once_more() -> None:
    small = game("shape3d")
    with small.counting() as counted:
        small.play(0, 1)
    assert counted["critic"] == 4


def test_an_open_gate_costs_nothing() -> None:
    small = game("mathieu", "players.critic.when=null")
    assert sum(forwards(small.method).values()) == TOTALS["mathieu"]


def test_a_closed_gate_saves_the_critics_turn() -> None:
    small = game("mathieu", "players.critic.when=gan.accuracy(critic(x2, x2.identity), critic(x32, x2.identity)) < 0")
    with small.counting() as counted:
        [report] = small.play(1, 2)
    assert report.outcomes == [("critic", "gate closed"), ("autoencoder", "updated")]
    # the gate looks at x2 and x32 by graphs of the critic's, the autoencoder at x32 and x23 by its own
    assert dict(counted) == {"encoder": 3, "generator": 7, "critic": 4}


@pytest.mark.parametrize(("order", "moves", "total"), [
    ("critic first", "in turn", 10), ("critic last", "in turn", 13), ("critic first", "together", 10)])
def test_the_order_of_players_costs_forwards(order: str, moves: str, total: int) -> None:
    recipe = recipe_of("mixing", f"train.moves={moves}")
    if order == "critic last":
        recipe = attrs.evolve(recipe, players=dict(reversed(recipe.players.items())))
    small = alive(recipe)
    with small.counting() as counted:
        small.play(0, 1)
    assert sum(counted.values()) == sum(forwards(small.method).values()) == total


def needs_of(small: SmallGame, step: int) -> set[tuple[str, str | None]]:
    """What a step asks of the data."""
    asked: set[tuple[str, str | None]] = set()
    batch = small.players.interpreter.batch

    def asking(step: int, round_: int, needs: frozenset[tuple[str, str | None]]) -> Any:
        asked.update(needs)
        return batch(step, round_, needs)

    small.players.interpreter.batch = asking
    small.play(step, step + 1)
    small.players.interpreter.batch = batch
    return asked


def test_what_no_active_loss_needs_is_neither_loaded_nor_computed() -> None:
    assert needs_of(game("drnet"), 0) == {("x1", None), ("x2", None)}
    assert needs_of(game("drnet"), 2) == {("film", None)}
    assert ("x", "identity") in needs_of(game("drgan"), 0)
    assert needs_of(game("ma2"), 0) == {("f", "fg"), ("f", "bg"), ("f", "pose")}


def test_terms_of_weight_zero_are_not_computed() -> None:
    without = game("factorvae", "weights.gamma=0")
    assert forwards(without.method, 0) == {"encoder": 1, "generator": 1, "critic": 2}
    with without.counting() as counted:
        [report] = without.play(0, 1)
    assert counted["critic"] == 2
    assert "vae/independence" not in report.values


def test_a_player_without_active_terms_does_not_move() -> None:
    small = game("challenges",
                 "players.critic.minimizes.realism=after(2) * gan.tell_apart(critic(x1, x2), critic(x31, x2))")
    assert [[player for player, _ in r.outcomes] for r in small.play(0, 3)] == [
        ["autoencoder"], ["autoencoder"], ["critic", "autoencoder"]]
