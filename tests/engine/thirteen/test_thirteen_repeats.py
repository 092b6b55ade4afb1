"""The same seed gives the same numbers: run again, resumed, with lines in another order or another form."""

from __future__ import annotations

import random

import attrs
import pytest
from small_games import PLAYED, SmallGame, alive, different, game, recipe_of

from unbraid_configs import Expression, Recipe


def resumed(small: SmallGame) -> SmallGame:
    """A new game that takes over networks (with buffers and averages) and optimizers, and nothing else."""
    again = alive(small.recipe)
    for name, module in again.method.modules.items():
        module.load_state_dict(small.weights()[name])
    for name, optimizer in again.players.optimizers.items():
        optimizer.load({key: t.clone() for key, t in small.players.optimizers[name].state().items()})
    return again


@pytest.mark.parametrize("name", PLAYED)
def test_two_runs_are_equal_and_two_and_two_steps_are_four(name: str) -> None:
    whole, again = game(name), game(name)
    whole.play(0, 2)
    again.play(0, 2)
    assert not different(whole.weights(), again.weights())
    whole.play(2, 4)
    second = resumed(again)
    reports = second.play(2, 4)
    assert not different(whole.weights(), second.weights())
    assert reports[-1].step == 3


def test_another_seed_is_another_run() -> None:
    assert different(game("mixing").weights(), game("mixing", "train.seed=1").weights())


def reformatted(text: str) -> str:
    """The same expression on several lines with other blanks."""
    return text.replace("(", "(  ").replace(", ", " ,\n     ").replace(" * ", "*").replace(" + ", "\n  +  ")


def rewritten(recipe: Recipe) -> Recipe:
    """Lines, networks and functions in another order, and lines in another form."""
    dice = random.Random(0)

    def shuffled(entries: dict) -> dict:
        items = list(entries.items())
        dice.shuffle(items)
        return dict(items)

    flow = {names: Expression(reformatted(e.text), e.place) for names, e in recipe.flow.items()}
    players = {name: attrs.evolve(p, minimizes={term: Expression(reformatted(e.text), e.place)
                                                for term, e in p.minimizes.items()})
               for name, p in recipe.players.items()}
    return attrs.evolve(recipe, flow=shuffled(flow), networks=shuffled(recipe.networks), players=players,
                        functions=shuffled(recipe.functions))


@pytest.mark.parametrize("name", PLAYED)
def test_order_and_form_of_lines_mean_nothing(name: str) -> None:
    recipe = recipe_of(name)
    plain, other = alive(recipe), alive(rewritten(recipe))
    plain.play(0, 3)
    other.play(0, 3)
    assert not different(plain.weights(), other.weights())


def test_a_critic_more_changes_no_others_first_weights() -> None:
    small, with_critic = game("betavae").weights(), game("factorvae").weights()
    assert set(with_critic) - set(small) == {"critic"}
    assert not different(small, with_critic)
