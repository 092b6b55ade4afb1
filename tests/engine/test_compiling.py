"""`train.compile`: each network that gains by it, but for those that a loss differentiates twice; the numbers stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import device, nn
from torch._dynamo.source import Source, TensorPropertySource
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from unbraid.engine import Training, train
from unbraid.engine.compile import worth_compiling
from unbraid.runs import Run
from unbraid_configs import load_recipe
from unbraid_registry import UnbraidError

CPU = device("cpu")
Compiled = list[tuple[nn.Module, dict[str, Any]]]
SMALL = ("data.batch=4", "data.source.count=40", "train.steps=3", "train.log_every=1", "train.picture_every=1000",
         "train.tensorboard=false",
         *(f"networks.{name}.width=4" for name in ("encoder", "generator", "critic", "classifier")))


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Compiled:
    """What was compiled, and how; without code generation, which takes its time."""
    seen, compile_ = Compiled(), nn.Module.compile

    def traced(module: nn.Module, **how: Any) -> Any:
        seen.append((module, how))
        return compile_(module, backend="aot_eager", dynamic=how.get("dynamic"))

    monkeypatch.setattr(nn.Module, "compile", traced)
    return seen


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every network gains by it."""
    monkeypatch.setattr("unbraid.engine.compile.worth_compiling", lambda network, inputs, where: True)


def run(out: Path, *changes: str) -> list[dict[str, Any]]:
    return train(load_recipe("mixing-sprites", [*SMALL, *changes]), out).metrics()


@pytest.mark.usefixtures("everywhere")
def test_compiled_networks_give_the_same_numbers(tmp_path: Path, compiled: Compiled) -> None:
    eager, own = run(tmp_path / "eager"), run(tmp_path / "compiled", "train.compile=true")
    assert [pytest.approx(numbers, rel=1e-5) for numbers in eager] == own
    assert [how for _, how in compiled] == [{"options": {"fallback_random": True}, "dynamic": False}] * 4


def left_eager(out: Path, compiled: Compiled, *changes: str) -> set[str]:
    """The networks that a training does not compile."""
    begun = Training.start(load_recipe("mixing-sprites", [*SMALL, "train.compile=true", *changes]), Run(out), CPU)
    return {n for n, module in begun.method.modules.items() if all(module is not own for own, _ in compiled)}


@pytest.mark.usefixtures("everywhere")
def test_a_critic_that_is_differentiated_twice_stays_eager(tmp_path: Path, compiled: Compiled) -> None:
    penalty = "players.critic.minimizes.realism=gradient_penalty(critic, x1, x3)"
    assert left_eager(tmp_path, compiled, penalty) == {"critic"}


@pytest.mark.usefixtures("everywhere")
def test_a_critic_whose_weights_are_clipped_is_compiled(tmp_path: Path, compiled: Compiled) -> None:
    assert left_eager(tmp_path, compiled, "players.critic.then=clip_weights(critic, limit=0.01)") == set()


def test_on_a_cpu_products_and_rectifiers_alone_stay_eager(tmp_path: Path, compiled: Compiled) -> None:
    assert left_eager(tmp_path / "plain", compiled) == {"encoder", "generator", "critic"}
    assert left_eager(tmp_path / "normalised", compiled, "networks.encoder.norm=instance") == {"generator", "critic"}


def test_on_a_gpu_every_network_is_compiled() -> None:
    plain = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    x = torch.empty(2, 2, device="meta")
    assert worth_compiling(plain, (x,), device("cuda"))
    assert not worth_compiling(plain, (x,), CPU)
    assert worth_compiling(nn.Sequential(plain, nn.BatchNorm1d(2)), (x,), CPU)


def test_graphs_are_of_compiled_networks(tmp_path: Path, compiled: Compiled) -> None:
    with pytest.raises(UnbraidError, match="cuda_graphs"):
        run(tmp_path / "refused", "train.cuda_graphs=true")
    run(tmp_path / "run", "train.compile=true", "train.cuda_graphs=true")
    assert all(how == {"mode": "reduce-overhead", "dynamic": False} for _, how in compiled)
    assert compiled


@pytest.mark.usefixtures("everywhere", "compiled")
def test_as_many_networks_of_a_class_as_there_are(tmp_path: Path) -> None:
    """Torch compiles a class's `forward` for eight forms of it, and leaves the rest eager; here it would raise."""
    with torch._dynamo.config.patch(fail_on_recompile_limit_hit=True, recompile_limit=8):
        for width in range(4, 8):
            run(tmp_path / str(width), "train.compile=true", "train.steps=1",
                *(f"networks.{name}.width={width}" for name in ("encoder", "generator", "critic", "classifier")))


@pytest.mark.usefixtures("everywhere", "compiled")
def test_for_sizes_and_not_for_symbols(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of images of another size, too: Inductor has taken more than an hour for what symbols made of them."""
    sizes, create = list[Any](), ShapeEnv.create_symbol

    def created(env: ShapeEnv, value: int, source: Source, *args: Any, **options: Any) -> Any:
        symbol = create(env, value, source, *args, **options)
        if isinstance(source, TensorPropertySource):
            sizes.append(symbol)
        return symbol

    monkeypatch.setattr(ShapeEnv, "create_symbol", created)
    for batch in (4, 6):
        run(tmp_path / str(batch), "train.compile=true", "train.steps=1", f"data.batch={batch}")
    assert sizes
    assert all(size.is_Integer for size in sizes)
