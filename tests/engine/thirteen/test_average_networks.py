"""Momentum encoders: a network that follows another."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_games import different, game
from small_recipes import gan
from test_thirteen_repeats import resumed

from unbraid.engine import forwards
from unbraid_configs import RecipeError

RECIPE: dict[str, Any] = gan(
    critic={"type": "dropping_critic"},
    networks={"teacher": {"type": "average", "of": "critic", "decay": 0.9}, "head": {"type": "mlp", "out": 1}},
    players={
        "critic": {"trains": "critic", "minimizes": {"realism": "gan.tell_apart(critic(x), critic(fake))",
                                                     "steady": "mse(critic(x), teacher(x))"}},
        "head": {"trains": "head", "minimizes": {"copy": "mse(head(x), teacher(x))"}},
    })


def test_an_average_follows_after_every_turn_of_what_it_follows() -> None:
    small = game(RECIPE)
    critic, teacher = (small.method.modules[n] for n in ("critic", "teacher"))
    for step in range(3):
        before = {k: p.clone() for k, p in teacher.named_parameters()}
        small.play(step, step + 1)
        for k, p in teacher.named_parameters():
            torch.testing.assert_close(p, 0.9 * before[k] + 0.1 * critic.get_parameter(k))
        # running statistics are taken over as they are after the critic's turn; the generator's adds a batch to its own
        assert int(teacher[1].num_batches_tracked) == 3 * step + 2 == int(critic[1].num_batches_tracked) - 1
        assert not teacher.training


def test_what_an_average_made_is_stale_when_it_followed() -> None:
    small = game(RECIPE)
    with small.counting() as counted:
        small.play(0, 1)
    assert counted["teacher"] == forwards(small.method)["teacher"] == 2


def test_an_average_starts_equal_and_is_part_of_the_state() -> None:
    whole, half = game(RECIPE), game(RECIPE)
    first = whole.weights()
    assert all(torch.equal(first["critic"][k], first["teacher"][k]) for k in first["critic"])
    whole.play(0, 4)
    half.play(0, 2)
    second = resumed(half)
    second.play(2, 4)
    assert not different(whole.weights(), second.weights())


def test_an_average_is_trained_by_nobody() -> None:
    recipe = gan(networks={"teacher": {"type": "average", "of": "critic"}}, flow={"seen": "teacher(x)"})
    recipe["players"]["critic"] = {**recipe["players"]["critic"], "trains": ["critic", "teacher"]}
    with pytest.raises(RecipeError, match="'teacher' is an EMA"):
        game(recipe)
