"""The suite of metrics: what it accepts, and a fault for each of its checks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from suite_runs import failures

from unbraid import metric
from unbraid_plugins.shared.metrics import reconstruction_error, swap_accuracy
from unbraid_plugins.tools.evaluation import MetricSuite
from unbraid_plugins.tools.evaluation.evidence import Evidence


@metric(better="higher")
def spread(codes: np.ndarray, *, scale: float = 1.0) -> float:
    """The standard deviation of codes."""
    return scale * float(codes.std())


@metric(better="lower")
def doubled(spread: float) -> float:
    """Twice another metric."""
    return 2 * spread


class TestSpread(MetricSuite):
    component = spread
    options = {"scale": 2.0}  # noqa: RUF012


class TestReconstructionError(MetricSuite):
    component = reconstruction_error


class TestAMetricOfAnother(MetricSuite):
    component = doubled

    def evidence(self) -> Evidence:
        return super().evidence() | {"spread": 1.5}


def undirected(codes: np.ndarray) -> float:
    """Of no direction."""
    return float(codes.std())


def misspelt(code: np.ndarray) -> float:
    """With a misspelt parameter."""
    return float(code.std())


def endless(codes: np.ndarray) -> float:
    """Of no number."""
    return float(codes.sum()) * float("nan")


def random(codes: np.ndarray) -> float:
    """Of another result every time."""
    return float(codes.sum() + np.random.default_rng().normal())


def greedy(codes: np.ndarray) -> float:
    """Of arrays that it changes."""
    codes -= codes.mean(0)
    return float(codes.std())


@pytest.mark.parametrize(("function", "mark", "test", "told"), [
    (undirected, {}, "is_a_component", "doesn't say which score is better"),
    (misspelt, {"better": "lower"}, "asks_for_what_there_can_be", "'code' is no evidence"),
    (endless, {"better": "lower"}, "gives_a_score", "its score is None; expected a finite number"),
    (random, {"better": "lower"}, "gives_the_same_twice", "a second call gives another result"),
    (greedy, {"better": "lower"}, "leaves_its_evidence_alone", "it changes codes"),
])
def test_a_fault_is_found(function: Any, mark: dict[str, str], test: str, told: str) -> None:
    assert told in failures(MetricSuite, component=metric(**mark)(function))[f"test_{test}"]


def test_what_the_suite_lacks_is_named() -> None:
    found = failures(MetricSuite, component=swap_accuracy)
    assert "the suite has no 'retrieval_map': give it in `evidence()`" in found["test_gives_a_score"]
