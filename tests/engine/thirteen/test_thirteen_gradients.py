"""Every turn's gradients equal those of its losses evaluated from scratch, and move its player's networks alone.

"A turn evaluates its player's losses on the current round, with all weights as they are now and everything that the
player does not train held constant": here this is done naively, with nothing reused, and compared in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from naive_gradients import compare_every_turn
from small_games import PLAYED, RECIPES, SmallGame, game
from torch import nn

from unbraid.engine import NOT_FINITE, UPDATED, Players, Turn, TurnGradients, forwards


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
    compared, update = compare_every_turn(small, monkeypatch), Players.update

    def watched(players: Players, turn: Turn, gradients: TurnGradients, step: int) -> None:
        before = small.weights()
        update(players, turn, gradients, step)
        reached = {n for t in small.method.player_graphs[turn.player].active(step) for n in t.node.carries}
        assert small.moved(before) == reached & turn.trains

    monkeypatch.setattr(Players, "update", watched)
    small.play(0, 3)
    assert set(compared.turns) == set(small.recipe.players)
    assert all(p.grad is None for m in small.method.modules.values() for p in m.parameters())


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.6])
def test_after_a_closed_gate_the_others_gradients_are_whole(threshold: float, monkeypatch: pytest.MonkeyPatch) -> None:
    small = game("mathieu", "players.critic.when=gan.accuracy(critic(x2, x2.identity), critic(x32, x2.identity)) < "
                 f"{threshold}")
    compared = compare_every_turn(small, monkeypatch)
    small.play(0, 4)
    assert compared.turns.count("autoencoder") == 4
    assert compared.turns.count("critic") < 4 or threshold


@pytest.mark.parametrize("moves", ["in turn", "together"])
def test_after_a_loss_that_is_not_finite_the_others_gradients_are_whole(moves: str,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    small = game("mixing", f"train.moves={moves}",
                 "players.critic.minimizes.realism=gan.tell_apart(critic(x1), critic(x3)) "
                 "+ after(1) * before(2) * 1.0e250 * mean(1.0e250 * critic(x1))")
    compared = compare_every_turn(small, monkeypatch)
    before = small.weights()["critic"]
    reports = small.play(1, 3)
    assert [dict(r.outcomes)["critic"] for r in reports] == [NOT_FINITE, UPDATED]
    assert reports[0].not_finite == ["critic/realism"]
    assert compared.turns == ["autoencoder", "critic", "autoencoder"]
    assert small.moved({**small.weights(), "critic": before}) == {"critic"}


def test_one_batch_of_real_and_fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "joint.yaml"
    file.write_text(f"""
base: {RECIPES / 'mixing.yaml'}
flow:
  real, fake: halves(critic(both(x1, x3)))
players:
  critic:
    minimizes: {{realism: "gan.tell_apart(real, fake)"}}
  autoencoder:
    minimizes: {{realism: gan.fool(fake)}}
""")
    small = game(file)
    assert forwards(small.method)["critic"] == 2
    compared = compare_every_turn(small, monkeypatch)
    small.play(0, 2)
    assert compared.turns == ["critic", "autoencoder"] * 2
