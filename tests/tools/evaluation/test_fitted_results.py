"""An evaluation is never refused after the work for its size: it is written without the longest details."""

from __future__ import annotations

from typing import Any

from unbraid_plugins.tools.evaluation.kept_results import SPARE, fitted
from unbraid_registry.files import to_json


def result(numbers: int) -> dict[str, Any]:
    each = {str(n): 0.5 for n in range(numbers)}
    arm = {"small": {"score": 0.5, "of": [1, 2]}, "large": {"score": 0.25, "each": each}}
    return {"arms": {"model": arm, "random": dict(arm)}, "data": {"oracle": [0.5, 0.25]}, "notes": ["earlier"]}


def test_a_small_one_stays_as_it_is():
    assert fitted(result(10)) == result(10)


def test_a_large_one_loses_the_longest_details_alone_and_says_so():
    most = SPARE + 4000
    found = fitted(result(1000), most)
    assert len(to_json(found, indent=1).encode()) < most
    for arm in found["arms"].values():
        assert arm == {"small": {"score": 0.5, "of": [1, 2]}, "large": {"score": 0.25}}
    assert found["data"] == {"oracle": [0.5, 0.25]}
    assert found["notes"][0] == "earlier"
    assert "large: its details are left out" in found["notes"][1]


def test_data_without_a_model_counts_too():
    before = {**result(1), "data": {"oracle": {"score": 0.5, "each": [0.5] * 4000}}}
    assert fitted(before, SPARE + 4000)["data"] == {"oracle": {"score": 0.5}}


def test_what_is_large_elsewhere_comes_back_for_the_writer_to_refuse():
    before = {**result(1), "hooks": {"a": "b" * SPARE * 2}}
    assert fitted(before, SPARE + 1000)["hooks"] == before["hooks"]
