"""Every turn's gradients equal those of its losses evaluated from scratch, and move its player's networks alone.

"A turn evaluates its player's losses on the current round, with all weights as they are now and everything that the
player does not train held constant": here this is done naively, with nothing reused, and compared in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from naive_gradients import Comparison
from small_games import PLAYED, SmallGame, game
from torch import nn


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


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
    compared, update = Comparison(small), small.players._update

    def watched(move: Any, gradients: Any, step: int) -> None:
        before = small.weights()
        update(move, gradients, step)
        reached = {n for t in small.method.games[move.player].terms if t.weight.at(step) for n in t.node.carries}
        assert small.moved(before) == reached & move.trains

    monkeypatch.setattr(small.players.__class__, "_play", lambda self, *a: compared(*a))
    monkeypatch.setattr(small.players.__class__, "_update", lambda self, *a: watched(*a))
    small.play(0, 3)
    assert set(compared.turns) == set(small.recipe.players)
    assert all(p.grad is None for m in small.method.modules.values() for p in m.parameters())
