"""Ranks whose data would have them decide otherwise: all do the same, by the mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from real_ranks import Pair
from tiny_autoencoder import tiny_autoencoder

from unbraid.engine import Training, TrainingError, train
from unbraid.runs import Run
from unbraid.values import map_tensors
from unbraid_configs import Recipe


def recipe(*overrides: str, **player: Any) -> Recipe:
    return tiny_autoencoder("train.steps=30", *overrides, **player,
                            minimizes={"rebuild": "mse(y, x)", "small": "0.1 * mean(y)"})


def started(folder: Path, chosen: Recipe, images: dict[tuple[int, int], float]) -> Training:
    """A training whose images are all of one value, by rank and step (-1: at all steps)."""
    from unbraid.engine import distributed

    training, rank = Training.start(chosen, Run(folder), torch.device("cpu")), distributed.rank()
    drawn = training.players.interpreter.batch

    def batch(step: int, round_: int, needs: Any) -> Any:
        value = images.get((rank, step % 1000 // chosen.train.accumulate), images.get((rank, -1)))
        fill = (lambda t: t) if value is None else (lambda t: torch.full_like(t, value))
        return {need: map_tensors(fill, v) for need, v in drawn(step, round_, needs).items()}

    training.players.interpreter.batch = batch
    return training


def outcomes(folder: Path, chosen: Recipe, images: dict[tuple[int, int], float], steps: int
             ) -> tuple[list[str], list[list[str]], np.ndarray]:
    training = started(folder, chosen, images)
    reports = [training.players.step(step) for step in range(steps)]
    weights = torch.cat([w.flatten() for m in training.method.modules.values() for w in m.parameters()])
    training.close()
    return [r.outcomes[0][1] for r in reports], [r.not_finite for r in reports], weights.detach().numpy()


@pytest.mark.parametrize(("threshold", "expected"), [(0.4, "gate closed"), (0.6, "updated")])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_gate_is_decided_on_the_mean(pair: Pair, tmp_path: Path, threshold: float, expected: str, accumulate: int
                                       ) -> None:
    """Rank 0's images are black, rank 1's white: one of them is outvoted."""
    pair.ask(outcomes, tmp_path, recipe(f"train.accumulate={accumulate}", when=f"mean(x) < {threshold}"),
             {(0, -1): 0.0, (1, -1): 1.0}, 3)
    (first, _, a), (second, _, b) = pair.answers()
    assert first == second == [expected] * 3
    assert np.array_equal(a, b)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_loss_that_is_not_finite_on_one_rank_moves_nobody(pair: Pair, tmp_path: Path, accumulate: int) -> None:
    pair.ask(outcomes, tmp_path, recipe(f"train.accumulate={accumulate}"), {(1, 2): float("nan")}, 4)
    (first, named, a), (second, named_there, b) = pair.answers()
    assert first == second == ["updated", "updated", "not finite", "updated"]
    assert named == named_there == [[], [], ["all/rebuild", "all/small"], []], "rank 0 names what rank 1 saw"
    assert np.isfinite(a).all()
    assert np.array_equal(a, b)


def refused(folder: Path, chosen: Recipe) -> str:
    from unbraid.engine import distributed, training as engine

    own = engine.open_data

    def open_data(*given: Any, **named: Any) -> Any:
        data = own(*given, **named)
        drawn = data.batch
        data.batch = lambda *at: {need: v / 0 - v / 0 if distributed.rank() == 1 else v
                                  for need, v in drawn(*at).items()}
        return data

    engine.open_data = open_data
    try:
        train(chosen, folder)
    except TrainingError as error:
        return error.message
    finally:
        engine.open_data = own
    return "trained"


def test_ranks_give_up_together(pair: Pair, tmp_path: Path) -> None:
    pair.ask(refused, tmp_path / "run", recipe())
    first, second = pair.answers()
    assert first == second == "all/rebuild, all/small was not finite for 10 steps up to step 9"


def means(folder: Path, chosen: Recipe) -> str:
    train(chosen, folder)
    return str(folder)


def test_what_is_logged_is_the_mean_over_the_ranks(pair: Pair, tmp_path: Path) -> None:
    import attrs

    own = recipe("train.steps=2", "train.log_every=1")
    pair.ask(means, tmp_path / "two", own)
    pair.answers()
    one = train(attrs.evolve(own, data=attrs.evolve(own.data, batch=8)), tmp_path / "one")
    for a, b in zip(one.metrics(), Run(tmp_path / "two").metrics(), strict=True):
        assert {n: v for n, v in a.items() if "/" in n} == pytest.approx({n: v for n, v in b.items() if "/" in n},
                                                                        rel=1e-5)
