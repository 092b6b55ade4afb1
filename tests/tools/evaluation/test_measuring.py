"""Metrics get what their parameters name."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest

from unbraid import UnbraidError, metric
from unbraid_plugins.tools.evaluation.metric_runner import Measuring, as_json, told_faults
from unbraid_registry import Component


def component(target: Any, *, plugin: str = "metrics", bundled: bool = True) -> Component:
    marked = metric(target)
    mark = marked.__unbraid__
    return Component(kind=mark.kind, name=mark.name, target=marked, plugin=plugin, bundled=bundled)


def size(codes: np.ndarray, *, seed: int = 0) -> float:
    return float(codes.sum()) + seed


def doubled(size: float, chunks: Any = None) -> float:
    return 2 * size + (0 if chunks is None else 100)


def divergent(kl: np.ndarray) -> float:
    return float(kl.sum())


def test_evidence_and_other_metrics_come_by_name() -> None:
    metrics = [component(doubled), component(size), component(divergent)]
    assert Measuring(metrics, {"codes": np.ones(3)}, {"seed": 5}).all() == {"size": 8, "doubled": 16}
    assert Measuring(metrics, {"codes": np.ones(3), "chunks": {}}).all()["doubled"] == 106


def test_a_class_is_made_with_its_defaults() -> None:
    @attrs.frozen(kw_only=True)
    class Scaled:
        factor: float = 3.0

        def __call__(self, codes: np.ndarray) -> float:
            return self.factor * float(codes.sum())

    assert Measuring([component(Scaled)], {"codes": np.ones(2)}).all() == {"scaled": 6}


def test_each_metric_is_computed_once() -> None:
    calls = []

    def counted(codes: np.ndarray) -> float:
        calls.append(1)
        return 1.0

    def first(counted: float) -> float:
        return counted

    def second(counted: float) -> float:
        return counted

    Measuring([component(first), component(second), component(counted)], {"codes": np.ones(2)}).all()
    assert len(calls) == 1


def test_an_unknown_parameter_is_named_with_the_closest_one() -> None:
    def odd(code: np.ndarray) -> float:
        return 0.0

    with pytest.raises(UnbraidError, match=r"metrics\.odd asks for 'code'.*\n.*codes"):
        Measuring([component(odd)], {"codes": np.ones(2)}).all()


def test_metrics_that_wait_for_each_other() -> None:
    def hen(egg: float) -> float:
        return egg

    def egg(hen: float) -> float:
        return hen

    with pytest.raises(UnbraidError, match="hen -> egg -> hen"):
        Measuring([component(hen), component(egg)], {}).all()


@pytest.mark.parametrize("bundled", [False, True])
def test_a_metric_that_fails_costs_a_note(bundled: bool) -> None:
    def broken(codes: np.ndarray) -> float:
        raise ZeroDivisionError("no")

    def arm() -> Measuring:
        metrics = [component(broken, plugin="acme", bundled=bundled), component(size)]
        return Measuring(metrics, {"codes": np.ones(2)}).done()

    arms = {"model": arm(), "perfect": arm()}
    assert arms["model"].results["size"] == 2
    name = "broken" if bundled else "acme.broken"
    told, = told_faults(arms)
    assert told.startswith(f"the metric {name} failed on model, perfect: ZeroDivisionError: no")


def test_what_can_be_measured_is_known_before_anything_is() -> None:
    def judge(images: np.ndarray) -> float:
        raise AssertionError("nobody asked")

    def judged(judge: float, decode: Any) -> float:
        return judge

    metrics = [component(judge), component(judged), component(size)]
    wanted = {"judged", "size"}
    assert Measuring(metrics, {"images": 1, "codes": 1}).possible(wanted) == {"size"}
    assert Measuring(metrics, {"images": 1, "decode": len}).possible(wanted) == {"judged", "judge"}


def test_results_as_json() -> None:
    @attrs.frozen
    class Result:
        score: float
        matrix: np.ndarray
        secret: object = attrs.field(metadata={"hidden": True})

    found = as_json(Result(float("nan"), np.asarray([[1 / 3]]), object()))
    assert found == {"score": None, "matrix": [[0.333333]]}
