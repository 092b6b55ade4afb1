"""The known faults of adversarial training code, each looked for in the engine, and each found when it is put in.

Leak into the critic (its weights get the generator's gradients), a missing detach (the critic's turn moves the
generator), a stale fake (the generator is judged by the critic as it was before its turn), a frozen generator (the
detach on the wrong side).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from unbraid.data import open_data
from unbraid.engine import Interpreter, Players, Turn, TurnGradients, gradients_reach
from unbraid.engine.plan import NOBODY, Planner
from unbraid.model import build_method
from unbraid_configs import make_recipe

RECIPE: dict[str, Any] = {
    "data": {"source": {"type": "sprites", "size": 8, "count": 60}, "draw": {"x": {}}, "batch": 8},
    "code": {"z": 4},
    "networks": {"generator": {"type": "mlp_generator", "hidden": [8]},
                 "critic": {"type": "mlp_critic", "hidden": [8]}},
    "flow": {"fake": "generator(normal(size=4))"},
    "players": {
        "critic": {"trains": "critic", "minimizes": {"realism": "gan.tell_apart(critic(x), critic(fake))"}},
        "generator": {"trains": "generator", "minimizes": {"realism": "gan.fool(critic(fake))"}}},
    "train": {"optimizer": {"type": "sgd", "lr": 0.1}},
}


class Watched(Players):
    """The engine's players, with the networks as they were before each turn and what it moved."""

    def update(self, turn: Turn, gradients: TurnGradients, step: int) -> None:
        before = copy.deepcopy(self.method.modules)
        super().update(turn, gradients, step)
        self.before[turn.player] = before
        self.moved[turn.player] = {n for n, net in self.method.modules.items() if any(
            not torch.equal(a, b) for a, b in zip(net.parameters(), before[n].parameters(), strict=True))}


class Game:
    """A small GAN in the engine's hands."""

    def __init__(self, *order: str) -> None:
        players = {name: RECIPE["players"][name] for name in order or ("critic", "generator")}
        recipe = make_recipe({**RECIPE, "players": players})
        data = open_data(recipe.data)
        self.players = Watched(build_method(recipe, data.facts), data.batch, torch.device("cpu"))
        self.nets = self.players.method.modules
        self.players.before = self.before = {}
        self.players.moved = self.moved = {}

    def step(self) -> dict[str, float]:
        return self.players.step(0).numbers()

    def fake(self, generator: nn.Module) -> torch.Tensor:
        noise = self.players.strategy.noise
        noise.step, noise.round = 0, 0
        return generator(noise.at("fake/operations.normal.1").normal(8, 4))


def check_no_leak_into_the_critic() -> None:
    game = Game()
    game.step()
    assert game.moved["generator"] == {"generator"}


def check_the_critic_moves_only_itself() -> None:
    game = Game()
    game.step()
    assert game.moved["critic"] == {"critic"}


def check_the_generator_is_judged_by_the_critic_of_now() -> None:
    game = Game()
    told = game.step()["generator/realism"]
    now = game.before["generator"]                 # after the critic's turn, before the generator's
    assert told == pytest.approx(F.softplus(-now["critic"](game.fake(now["generator"]))).mean().item(), rel=1e-6)


def check_the_critic_is_shown_the_fake_of_now() -> None:
    game = Game("generator", "critic")
    told = game.step()["critic/realism"]
    now = game.before["critic"]                    # after the generator's turn, before the critic's
    x = game.players.batch(0, 0, frozenset([("x", None)]))["x", None]
    judged = F.softplus(-now["critic"](x)).mean() + F.softplus(now["critic"](game.fake(now["generator"]))).mean()
    assert told == pytest.approx(judged.item(), rel=1e-6)


def check_the_generator_gets_the_gradient_of_its_loss() -> None:
    game = Game()
    game.step()
    now = game.before["generator"]
    weights = [w.requires_grad_() for w in now["generator"].parameters()]
    loss = F.softplus(-now["critic"](game.fake(now["generator"]))).mean()
    for w, g, after in zip(weights, torch.autograd.grad(loss, weights), game.nets["generator"].parameters(),
                           strict=True):
        torch.testing.assert_close(after, w - 0.1 * g)


CHECKS = [check_no_leak_into_the_critic, check_the_critic_moves_only_itself,
          check_the_generator_is_judged_by_the_critic_of_now, check_the_critic_is_shown_the_fake_of_now,
          check_the_generator_gets_the_gradient_of_its_loss]


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__[6:])
def test_the_engine_is_free_of(check: Callable[[], None]) -> None:
    check()


def leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """All weights move with the player's: the generator's turn updates the critic too."""
    weights = Interpreter.weights
    monkeypatch.setattr(Interpreter, "weights", lambda self, names: weights(self, self.method.modules))


def stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Planner, "stale", lambda *_: [])


def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake is cut off on the generator's side too."""
    from unbraid.engine import plan

    make = plan.Instruction
    monkeypatch.setattr(plan, "Instruction", lambda node, owner, graphs, *rest: make(
        node, owner, tuple(g and node.op.__class__.__name__ != "NetworkOp" for g in graphs), *rest))


@pytest.mark.parametrize(("fault", "check"), [
    (leak, check_no_leak_into_the_critic),
    (leak, check_the_critic_moves_only_itself),
    (stale, check_the_critic_is_shown_the_fake_of_now),
    (frozen, check_the_generator_gets_the_gradient_of_its_loss),
], ids=lambda f: f.__name__)
def test_a_broken_engine_is_found_out(monkeypatch: pytest.MonkeyPatch, fault: Callable[[Any], None],
                                      check: Callable[[], None]) -> None:
    fault(monkeypatch)
    with pytest.raises((AssertionError, RuntimeError)):
        check()


def test_nobody_owns_the_fake_of_a_critic_alone() -> None:
    """Without a later player to use it, the critic's fake carries no graph at all."""
    recipe = make_recipe({**RECIPE, "networks": {**RECIPE["networks"], "generator": {
        "type": "mlp_generator", "hidden": [8]}}, "players": {
            "critic": RECIPE["players"]["critic"],
            "generator": {**RECIPE["players"]["generator"], "from_step": 5}}})
    data = open_data(recipe.data)
    players = Players(build_method(recipe, data.facts), data.batch, torch.device("cpu"))
    players.step(0)
    plan = players.plan(0)
    owners = {i.node.index: i.owner for turn in plan.compiled.values() for i in turn.plan.instructions}
    fake = players.method.flow.value("fake")
    assert owners[fake.index] == NOBODY


def test_gradients_reach_says_which_loss_trains_what() -> None:
    recipe = make_recipe(RECIPE)
    data = open_data(recipe.data)
    assert gradients_reach(build_method(recipe, data.facts)) == {
        "critic": {"realism": ["critic"]}, "generator": {"realism": ["generator"]}}
