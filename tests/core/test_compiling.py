"""`train.compile`: every network by itself, but for those that a loss differentiates twice; the numbers stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torch import device, nn

from unbraid.engine import Training, train
from unbraid.record import Run
from unbraid_configs import load_recipe
from unbraid_registry.errors import UnbraidError

SMALL = ("data.batch=4", "data.source.count=40", "train.steps=3", "train.log_every=1", "train.picture_every=1000",
         "train.tensorboard=false",
         *(f"networks.{name}.width=4" for name in ("encoder", "generator", "critic", "classifier")))


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[nn.Module, str]]:
    """What was compiled, and how; without code generation, which takes its time."""
    seen, compile_ = list[tuple[nn.Module, str]](), nn.Module.compile

    def traced(module: nn.Module, *, mode: str) -> Any:
        seen.append((module, mode))
        return compile_(module, backend="aot_eager")

    monkeypatch.setattr(nn.Module, "compile", traced)
    return seen


def run(out: Path, *changes: str) -> list[dict[str, Any]]:
    return train(load_recipe("mixing-sprites", [*SMALL, *changes]), out).metrics()


def test_compiled_networks_give_the_same_numbers(tmp_path: Path, compiled: list[tuple[nn.Module, str]]) -> None:
    eager, own = run(tmp_path / "eager"), run(tmp_path / "compiled", "train.compile=true")
    assert [pytest.approx(numbers, rel=1e-5) for numbers in eager] == own
    assert [mode for _, mode in compiled] == ["default"] * 4


def test_a_critic_that_is_differentiated_twice_stays_eager(tmp_path: Path,
                                                           compiled: list[tuple[nn.Module, str]]) -> None:
    changes = ["train.compile=true", "players.critic.minimizes.realism=gradient_penalty(critic, x1, x3)"]
    begun = Training.start(load_recipe("mixing-sprites", [*SMALL, *changes]), Run(tmp_path), device("cpu"))
    eager = {n for n, module in begun.method.modules.items() if all(module is not own for own, _ in compiled)}
    assert eager == {"critic"}


def test_graphs_are_of_compiled_networks(tmp_path: Path, compiled: list[tuple[nn.Module, str]]) -> None:
    with pytest.raises(UnbraidError, match="cuda_graphs"):
        run(tmp_path / "refused", "train.cuda_graphs=true")
    run(tmp_path / "run", "train.compile=true", "train.cuda_graphs=true")
    assert {mode for _, mode in compiled} == {"reduce-overhead"}
