"""Two processes as one: every bundled recipe, against ranks simulated in one process and against the joined batch."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
import pytest
import torch
from narrow_recipes import narrow, own_data
from real_ranks import Pair
from simulated_ranks import JoinedData, JoinedNoise, Simulation
from torch import nn

from unbraid.data import Data, open_data
from unbraid.engine import Training, turns
from unbraid.engine.state import checkpoint_of
from unbraid.flow import ComponentOp, below
from unbraid.model import build_method
from unbraid.runs import Run, checkpoint
from unbraid_configs import Recipe, bundled_recipes

__all__ = ["own_data"]
STEPS = 2
Numbers = dict[str, torch.Tensor]
OF_THE_BATCH = {"total_correlation", "index_code_information", "dimension_wise_kl", "dip", "permute_dims",
                "annealed_kl", "white_shading"}    # no means over samples


def small(name: str) -> Recipe:
    return narrow(name, "data.workers=0", "train.device=cpu", "train.average=0.9")


def played(recipe: Recipe, folder: Path, data: Data | None = None) -> Numbers:
    """Everything that a training holds after some steps, and the logged losses; in float64."""
    training = Training.start(recipe, Run(folder), torch.device("cpu"), data=data)
    try:
        losses = {}
        for step in range(STEPS):
            report = training.players.step(step, watch=True)
            training.finish_step(report, log=False)
            losses |= {f"loss {step} {name}": torch.tensor(v) for name, v in report.numbers().items()}
        state = checkpoint_of(training.method, training.ema, training.players.optimizers, training.step)
        return {name: t.clone() for name, t in checkpoint.flat(state.groups).items()} | losses
    finally:
        training.close()


def on_a_rank(name: str, folder: Path) -> dict[str, np.ndarray]:
    torch.set_default_dtype(torch.float64)
    return {n: t.numpy() for n, t in played(small(name), folder).items()}


def furthest(a: Numbers, b: Numbers) -> float:
    """The largest difference of two states, absolute and relative in one: |a - b| / (1 + |a|)."""
    return max(float(((a[n].double() - b[n].double()).abs() / (1 + a[n].double().abs())).max())
               for n in a if a[n].numel())


def joined(recipe: Recipe) -> tuple[Recipe, Data]:
    """The recipe with the joined batch of two ranks, and its data."""
    both = attrs.evolve(recipe, data=attrs.evolve(recipe.data, batch=2 * recipe.data.batch))
    images = open_data(recipe.data).images_of
    data = JoinedData(both.data, images, seed=recipe.train.seed)
    data.parts = [Data(recipe.data, images, seed=recipe.train.seed, rank=rank, world=2) for rank in range(2)]
    return both, data


def takes_the_batch_whole(recipe: Recipe, data: Data) -> bool:
    """Whether a loss or a network is more than a mean over samples, or draws noise that has no address."""
    method = build_method(recipe, data.facts)
    modules = [m for module in method.modules.values() for m in module.modules()]
    games = [n.op for n in below(*(t.node for g in method.player_graphs.values() for t in g.terms))]
    return (any(isinstance(m, nn.modules.batchnorm._BatchNorm | nn.modules.dropout._DropoutNd) for m in modules)
            or bool(method.flow.graph.remembering)
            or any(isinstance(op, ComponentOp) and (op.component.name in OF_THE_BATCH or ("per", "batch") in op.options)
                   for op in games))


@pytest.mark.parametrize("name", bundled_recipes())
@pytest.mark.usefixtures("double_precision")
def test_two_processes_are_the_ranks_that_they_should_be(name: str, pair: Pair, tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    pair.ask(on_a_rank, name, tmp_path)
    simulation, recipe = Simulation(2), small(name)
    both, data = joined(recipe)
    with monkeypatch.context() as patch:
        simulation.install(patch)
        simulated = simulation.run(lambda rank: played(recipe, tmp_path, data.parts[rank]))
    monkeypatch.setattr(turns, "Noise", JoinedNoise)
    one = played(both, tmp_path, data)
    real = [{n: torch.from_numpy(v) for n, v in of_rank.items()} for of_rank in pair.answers()]
    for own, like in zip(real, simulated, strict=True):
        assert own.keys() == like.keys()
        assert furthest(own, like) < 1e-8          # Adam makes steps of rounding errors
    shared = [n for n in real[1] if "pool" not in n]
    assert all(torch.equal(real[0][n], real[1][n]) for n in shared), "both ranks have one model, to the bit"
    assert shared == list(one) or takes_the_batch_whole(both, data)
    assert furthest({n: real[0][n] for n in shared}, one) < 1e-8 or takes_the_batch_whole(both, data)


def test_the_joined_batch_is_no_empty_promise() -> None:
    exact = [name for name in ("beta-vae", "challenges", "challenges-variational", "annealed-vae-dsprites")
             if not takes_the_batch_whole(small(name), open_data(small(name).data))]
    assert exact == ["beta-vae", "challenges", "challenges-variational"]
