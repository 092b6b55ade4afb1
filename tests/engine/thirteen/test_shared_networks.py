"""Networks that several players train, and graphs that two players would want."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from naive_gradients import compare_every_turn
from small_games import SmallGame, game
from small_recipes import DATA

from unbraid.engine import forwards
from unbraid.engine.plan import Planner

MLP = {"type": "mlp", "hidden": [8], "out": 4}
TWO = {
    "data": DATA,
    "networks": {"trunk": MLP, "a": MLP, "b": MLP},
    "flow": {"seen": "trunk(x)"},
    "players": {
        "first": {"trains": ["trunk", "a"], "minimizes": {"size": "mse(a(seen), 0.5 * a(absolute(seen)))"}},
        "second": {"trains": ["trunk", "b"], "minimizes": {"size": "mse(b(seen), detach(a(seen)))"}},
    },
}
# what `first` needs as a constant, `second` needs with a graph, through a value that `first` needs with its own
ENTANGLED = {
    "data": DATA,
    "networks": {"inner": MLP, "outer": MLP, "judge": MLP},
    "flow": {"y": "outer(inner(x))", "seen": "judge(y)"},
    "players": {
        "first": {"trains": ["outer"], "minimizes": {"agree": "mse(y, detach(seen))"}},
        "second": {"trains": ["inner", "judge"], "minimizes": {"size": "mean(seen)"}},
    },
    "train": {"moves": "together"},
}


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def compared(recipe: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> SmallGame:
    small = game(recipe)
    compare_every_turn(small, monkeypatch)
    return small


def test_two_players_may_train_one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    small = compared(TWO, monkeypatch)
    small.play(0, 3)
    assert forwards(small.method)["trunk"] == 2
    first, second = (small.players.optimizers[n].state() for n in ("first", "second"))
    assert first.keys() == second.keys()
    assert not torch.equal(first["0/exp_avg"], second["0/exp_avg"])     # each has its own state of the shared weights


def test_one_value_has_no_two_graphs_when_all_move_together(monkeypatch: pytest.MonkeyPatch) -> None:
    compared(ENTANGLED, monkeypatch).play(0, 3)


def test_that_comparison_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Planner, "_shared", lambda *a: False)
    with pytest.raises(AssertionError):
        compared(ENTANGLED, monkeypatch).play(0, 1)
