"""Dropout, running statistics, spectral norm: what is random or changes inside a network."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import torch
from naive_gradients import compare_every_turn
from small_games import alive, different, game, recipe_of
from small_recipes import gan
from test_thirteen_repeats import resumed
from torch import nn

from unbraid.engine import forwards

DROPPING = {"type": "dropping_critic"}
SPECTRAL = {"type": "conv_critic", "width": 4, "norm": "spectral"}
PENALISED = gan(critic=SPECTRAL, players={"critic": {"trains": "critic", "minimizes": {
    "realism": "gan.tell_apart(critic(x), critic(fake))", "slope": "10 * gradient_penalty(critic, x, fake)",
    "flat": "every(2) * r1(critic, x)"}}})


def test_dropout_has_an_address_like_all_noise() -> None:
    a, b = game(gan(critic=DROPPING)), game(gan(critic=DROPPING))
    a.play(0, 3)
    for step in range(3):
        torch.manual_seed(1000 + step)                 # nothing that others draw matters
        torch.rand(7)
        b.play(step, step + 1)
    assert not different(a.weights(), b.weights())


def test_dropout_differs_from_step_to_step() -> None:
    small = game(gan(critic=DROPPING))
    masks: list[torch.Tensor] = []
    drop = next(m for m in small.method.modules["critic"].modules() if isinstance(m, nn.Dropout))
    drop.register_forward_hook(lambda _, inputs, out: masks.append(out == 0))
    small.play(0, 2)
    assert len(masks) == 6
    assert not torch.equal(masks[0], masks[3])


def test_a_repeated_step_repeats_its_dropout() -> None:
    small = game(gan(critic=DROPPING))
    first = small.weights()
    small.play(5, 6)
    once = small.weights()
    again = game(gan(critic=DROPPING))
    assert not different(first, again.weights())
    again.play(5, 6)
    assert not different(once, again.weights())


@pytest.mark.parametrize("order", ["critic first", "critic last"])
def test_running_statistics_follow_the_actual_forwards(order: str) -> None:
    recipe = recipe_of(gan(critic=DROPPING))
    if order == "critic last":
        recipe = attrs.evolve(recipe, players=dict(reversed(recipe.players.items())))
    small = alive(recipe)
    batches = small.method.modules["critic"][1].num_batches_tracked
    assert int(batches) == 0                           # the check of shapes leaves them alone
    with small.counting() as counted:
        small.play(0, 4)
    assert int(batches) == counted["critic"] == 4 * forwards(small.method)["critic"] == 12


def test_watching_changes_no_running_statistics() -> None:
    watched = game({**gan(critic=DROPPING), "watch": {"seen": "mean(critic(x))", "told": "mean(critic(fake))"}})
    plain = game(gan(critic=DROPPING))
    reports = watched.play(0, 3, watch=True)
    plain.play(0, 3)
    assert not different(plain.weights(), watched.weights())
    assert {"watch/seen", "watch/told"} <= reports[0].values.keys()


def test_a_resting_network_keeps_its_statistics_and_drops_nothing() -> None:
    recipe = gan(critic=DROPPING)
    recipe["players"]["critic"] = {**recipe["players"]["critic"], "until_step": 2}
    small = game(recipe)
    small.play(0, 2)
    rest = small.weights()["critic"]
    small.play(2, 4)
    assert not different({"critic": rest}, small.weights())


def test_spectral_norm_and_penalties_on_the_slope() -> None:
    small, twin = game(PENALISED), game(PENALISED)
    assert not different(small.weights(), twin.weights())
    first = small.weights()["critic"]
    before = [p.requires_grad for p in small.method.modules["critic"].parameters()]
    reports = small.play(0, 4)
    assert all(torch.isfinite(v) for r in reports for v in r.values.values())
    moved = [k for k in different({"critic": first}, small.weights()) if k.endswith("._u")]
    assert moved                                       # the estimate of the singular vector follows
    assert [p.requires_grad for p in small.method.modules["critic"].parameters()].count(True) >= before.count(True)
    twin.play(0, 2)
    second = resumed(twin)
    second.play(2, 4)
    assert not different(small.weights(), second.weights())


def test_penalties_are_differentiated_as_from_scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        recipe = {**PENALISED, "networks": {**PENALISED["networks"], "critic": {"type": "conv_critic", "width": 4}}}
        small = game(recipe)
        compared = compare_every_turn(small, monkeypatch)
        small.play(0, 3)
        assert compared.turns == ["critic", "generator"] * 3
    finally:
        torch.set_default_dtype(torch.float32)


def test_losses_on_weights_come_before_any_call_too() -> None:
    recipe: dict[str, Any] = gan(players={"critic": {"trains": "critic", "minimizes": {
        "size": "0.1 * weight_size(critic)", "realism": "gan.tell_apart(critic(x), critic(fake))"}}})
    small = game(recipe)
    [report] = small.play(0, 1)
    assert float(report.values["critic/size"]) > 0


def test_the_check_leaves_first_weights_as_they_are() -> None:
    """Clipping in `then` would show: the check must not run it on the networks themselves."""
    clipped, plain = game("ma2"), game("ma2", "players.critics.then=null")
    assert not different(clipped.weights(), plain.weights())
    assert clipped.weights()["critic_fg"]["head.answers.0.weight"].abs().max() > 0.01
    clipped.play(0, 1)
    assert max(float(t.abs().max()) for t in clipped.weights()["critic_fg"].values()) <= 0.01
