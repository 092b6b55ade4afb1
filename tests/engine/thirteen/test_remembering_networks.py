"""Image pools: called once per round, constant, with buffers that belong to the state."""

from __future__ import annotations

from typing import Any

import pytest
from small_games import different, game
from small_recipes import gan
from test_thirteen_repeats import resumed

from unbraid.engine import forwards
from unbraid_configs import RecipeError


def with_pool(**critic: Any) -> dict[str, Any]:
    """The critic sees fakes of earlier rounds; a second critic looks at them after the generator has moved."""
    return gan(
        networks={"pool": {"type": "image_pool", "size": 8}, "second": {"type": "conv_critic", "width": 4}},
        flow={"old": "pool(fake)"},
        players={
            "critic": {"trains": "critic", "minimizes": {"realism": "gan.tell_apart(critic(x), critic(old))"},
                       **critic},
            "second": {"trains": "second", "minimizes": {"realism": "gan.tell_apart(second(x), second(old))"}},
        })


def test_a_pool_is_called_once_per_round_and_keeps_its_answer() -> None:
    small = game(with_pool(turns=2))
    with small.counting() as counted:
        small.play(0, 3)
    assert counted["pool"] == 2 * 3
    assert forwards(small.method)["pool"] == 2
    assert int(small.method.modules["pool"].seen) == 4 * 2 * 3
    assert small.method.modules["pool"].stored0.any()


def test_a_pool_at_rest_before_training() -> None:
    small = game(with_pool())
    assert not small.method.modules["pool"].stored0.any()
    assert int(small.method.modules["pool"].seen) == 0


def test_a_pools_images_belong_to_the_state() -> None:
    whole, half = game(with_pool()), game(with_pool())
    whole.play(0, 4)
    half.play(0, 2)
    second = resumed(half)
    second.play(2, 4)
    assert not different(whole.weights(), second.weights())
    forgetful = resumed(half)
    forgetful.method.modules["pool"].stored0.zero_()
    forgetful.play(2, 4)
    assert different(whole.weights(), forgetful.weights())     # the pool's images do matter


def test_no_gradient_goes_through_a_pool() -> None:
    recipe = with_pool()
    recipe["players"]["generator"] = {"trains": "generator", "minimizes": {"realism": "gan.fool(critic(old))"}}
    with pytest.raises(RecipeError, match="no loss of 'generator' reaches 'generator'"):
        game(recipe)


def test_watching_a_pool_fills_it_no_further() -> None:
    watched, plain = ({**with_pool(), "watch": {"old": "mean(pool(absolute(fake)))"}} for _ in range(2))
    a, b = game(watched), game(plain)
    a.play(0, 3, watch=True)
    b.play(0, 3)
    assert not different(a.weights(), b.weights())
