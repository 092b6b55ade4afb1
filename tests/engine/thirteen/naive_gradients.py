"""A turn's gradients in the plainest way: every value computed anew, nothing reused, nothing shared."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_games import SmallGame
from torch import Tensor

from unbraid.engine.plan import CompiledTurn
from unbraid.engine.turns import TurnResult, TurnRunner
from unbraid.flow import below
from unbraid.model import computation


def from_scratch(small: SmallGame, player: str, step: int) -> list[Tensor | None]:
    """The gradients of a player's active terms, everything computed anew."""
    modules, environment = small.method.modules, small.players.interpreter.environment
    flags = {p: p.requires_grad for m in modules.values() for p in m.parameters()}
    buffers = [(b, b.clone()) for m in modules.values() for b in m.buffers()]
    trains = small.recipe.players[player].trains
    for name, module in modules.items():
        module.requires_grad_(name in trains)
    terms = [t for t in small.method.player_graphs[player].terms if t.weight.at(step) != 0]
    values: dict[int, Any] = {}
    for node in below(*(t.node for t in terms)):
        values[node.index] = computation(node, environment)([values[i.index] for i in node.inputs])
    total = sum(t.weight.at(step) * values[t.node.index] for t in terms)
    weights = [p for n in trains for p in modules[n].parameters()]
    gradients = list(torch.autograd.grad(total, weights, allow_unused=True))
    for p, flag in flags.items():
        p.requires_grad_(flag)
    with torch.no_grad():
        for b, before in buffers:
            b.copy_(before)
    return gradients


def assert_equal_gradients(engine: list[Tensor | None], plain: list[Tensor | None], where: str) -> None:
    assert len(engine) == len(plain)
    for e, p in zip(engine, plain, strict=True):
        assert (e is None or not e.any()) if p is None else e is not None, where
        if p is not None:
            torch.testing.assert_close(e, p, rtol=1e-9, atol=1e-12, msg=lambda m: f"{where}: {m}")


class Comparison:
    """Compares the engine's gradients with those from scratch in every turn that is played.

    turns: the players whose turns were compared, in order.
    """

    def __init__(self, small: SmallGame) -> None:
        self.small, self.turns = small, list[str]()
        self.play = TurnRunner.play

    def __call__(self, runner: TurnRunner, compiled: CompiledTurn, step: int, number: int, round_: int) -> TurnResult:
        result = self.play(runner, compiled, step, number, round_)
        if result.gradients is not None:
            player = compiled.turn.player
            assert_equal_gradients(result.gradients.gradients, from_scratch(self.small, player, step),
                                   f"step {step}, {number}: {player}")
            self.turns.append(player)
        return result


def compare_every_turn(small: SmallGame, monkeypatch: pytest.MonkeyPatch) -> Comparison:
    """From now on, every turn of a game is compared."""
    comparison = Comparison(small)
    monkeypatch.setattr(TurnRunner, "play", lambda *a: comparison(*a))
    return comparison
