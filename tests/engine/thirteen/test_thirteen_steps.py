"""The thirteen methods play: three steps of each, with finite losses, and weights that move just where they should."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from small_games import PLAYED, RECIPES, SmallGame, different, game

from unbraid.engine.turns import UPDATED


def expected_to_move(small: SmallGame, step: int) -> set[str]:
    """What players in play train, where an active term reaches it."""
    return {network for name, p in small.players.in_play(step).items()
            for term in small.method.player_graphs[name].terms if term.weight.at(step) != 0
            for network in term.node.carries & set(p.trains)}


@pytest.mark.parametrize("name", PLAYED)
def test_three_steps_move_what_is_trained_and_nothing_else(name: str) -> None:
    small = game(name)
    for step in range(3):
        before = small.weights()
        report = small.players.step(step)
        assert all(math.isfinite(number) for number in report.numbers().values())
        assert {outcome for _, outcome in report.outcomes} == {UPDATED}
        assert small.moved(before) == expected_to_move(small, step)
        after = small.weights()
        resting = [n for n, module in small.method.modules.items() if not module.training]
        assert not different({n: before[n] for n in resting}, after)


def test_stages_put_networks_to_rest() -> None:
    small = game("drnet")
    small.play(0, 2)
    assert {n for n, m in small.method.modules.items() if m.training} == {"critic", "content", "pose", "generator"}
    small.play(2, 3)
    assert {n for n, m in small.method.modules.items() if m.training} == {"predictor"}


def test_a_method_without_players_is_fitted() -> None:
    from unbraid.engine.fitting import fit_networks

    small = game("viewgraph")
    assert not small.method.modules["graph"].mean.any()
    fit_networks(small.method, small.data)
    images = small.data.images(small.data.rows("train"))
    assert small.method.modules["graph"].mean.allclose(small.method.modules["features"](images).mean(0), atol=1e-6)


def test_domains_may_have_images_of_different_shapes(tmp_path: Path) -> None:
    text = (RECIPES / "unit_adaptation.yaml").read_text()
    backs = "back1: {type: unit.back, image: x1}\n  back2: {type: unit.back, image: x2}"
    text = text.replace("channels: 3}", "channels: 1}").replace("back1, back2:   {type: unit.back}", backs)
    file = tmp_path / "grey.yaml"
    file.write_text(text)
    small, channels = game(file), dict[str, int]()
    for name in ("back1", "back2"):
        small.method.modules[name].register_forward_hook(lambda _, x, y, name=name: channels.update({name: y.shape[1]}))
    small.play(0, 1)
    assert channels == {"back1": 3, "back2": 1}
