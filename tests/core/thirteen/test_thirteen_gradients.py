"""Every turn's gradients equal those of its losses evaluated from scratch, and move its player's networks alone.

"A turn evaluates its player's losses on the current round, with all weights as they are now and everything that the
player does not train held constant": here this is done naively, with nothing reused, and compared in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from small_games import PLAYED, SmallGame, game
from torch import Tensor, nn

from unbraid.compute import computation
from unbraid.graph import below


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def from_scratch(small: SmallGame, player: str, step: int) -> list[Tensor | None]:
    """The gradients of a player's active terms, everything computed anew."""
    modules, around = small.method.modules, small.players._around
    flags = {p: p.requires_grad for m in modules.values() for p in m.parameters()}
    buffers = [(b, b.clone()) for m in modules.values() for b in m.buffers()]
    trains = small.recipe.players[player].trains
    for name, module in modules.items():
        module.requires_grad_(name in trains)
    terms = [t for t in small.method.games[player].terms if t.weight.at(step) != 0]
    values: dict[int, Any] = {}
    for node in below(*(t.node for t in terms)):
        values[node.index] = computation(node, around)([values[i.index] for i in node.inputs])
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


def without_dropout(small: SmallGame) -> None:
    """Dropout depends on the order of the calls, which is the engine's to choose."""
    for module in small.method.modules.values():
        for part in module.modules():
            if isinstance(part, nn.Dropout2d):
                part.p = 0.0


@pytest.mark.parametrize("name", PLAYED)
@pytest.mark.parametrize("moves", ["in turn", "together"])
def test_every_turn_is_its_losses_evaluated_from_scratch(name: str, moves: str,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    small = game(name, f"train.moves={moves}", *(["players.critics.turns=1"] if moves == "together" and name == "ma2"
                                                 else []))
    without_dropout(small)
    play, update, turns = small.players._play, small.players._update, []

    def compared(ready: Any, step: int, turn: int, round_: int, report: Any) -> Any:
        outcome, gradients = play(ready, step, turn, round_, report)
        if outcome == "moved":
            assert_equal_gradients(gradients, from_scratch(small, ready.move.player, step),
                                   f"step {step}, turn {turn}, {ready.move.player}")
            turns.append(ready.move.player)
        return outcome, gradients

    def watched(move: Any, gradients: Any, step: int) -> None:
        before = small.weights()
        update(move, gradients, step)
        reached = {n for t in small.method.games[move.player].terms if t.weight.at(step) for n in t.node.carries}
        assert small.moved(before) == reached & move.trains

    monkeypatch.setattr(small.players.__class__, "_play", lambda self, *a: compared(*a))
    monkeypatch.setattr(small.players.__class__, "_update", lambda self, *a: watched(*a))
    small.play(0, 3)
    assert set(turns) == set(small.recipe.players)
    assert all(p.grad is None for m in small.method.modules.values() for p in m.parameters())
