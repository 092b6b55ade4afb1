"""Distances of features, retrieval, neighbours and probes equal the stored values of the libraries that define them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unbraid_plugins.shared.metrics import (
    frechet_distance,
    kernel_distance,
    linear_probe,
    nearest_neighbour_accuracy,
    reconstruction_error,
    retrieval_map,
)

pytestmark = pytest.mark.shared_data
SETS = ["same_distribution", "shifted", "scaled", "collapsed", "rank_deficient"]
TRAIN, TEST = np.arange(280), np.arange(280, 400)


@pytest.fixture(scope="module")
def arrays(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "reference/metrics/other_cases.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def values(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "reference/metrics/other_values.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def chunked(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """The codes, factors and chunks of the reference, each chunk of eight numbers."""
    found = arrays["chunk_features"]
    return {"codes": found.reshape(len(found), -1), "chunks": {f"chunk{i}": (8 * i, 8 * i + 8) for i in range(3)},
            "factors": {f"attribute{j}": y.astype(int) for j, y in enumerate(arrays["chunk_labels"].T)}}


def test_every_set_is_tested(values):
    assert list(values["distribution"]["fid"]) == SETS == list(values["distribution"]["kid"])


@pytest.mark.parametrize("case", SETS)
def test_distances_of_features(arrays, values, case):
    real, made = arrays["feat_ref"], arrays[f"feat_{case}"]
    expected, tolerance = values["distribution"], values["tolerances_absolute"]
    assert frechet_distance(real, made).score == pytest.approx(expected["fid"][case], rel=tolerance["fid_relative"])
    assert kernel_distance(real, made).score == pytest.approx(expected["kid"][case], abs=tolerance["kid"])
    rows, theirs = min(len(real), len(made)), expected["torch_fidelity"][case]
    assert frechet_distance(made, real).score == pytest.approx(theirs["fid"], rel=tolerance["fid_relative"])
    assert kernel_distance(real[:rows], made[:rows]).score == pytest.approx(theirs["kid_first_min_rows"],
                                                                            abs=tolerance["kid"])


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_retrieval(chunked, values, distance):
    expected, tolerance = np.asarray(values["retrieval_map"][distance]), values["tolerances_absolute"]["map"]
    assert np.abs(retrieval_map(**chunked, distance=distance).matrix.T - expected).max() <= tolerance


@pytest.mark.parametrize(("neighbours", "name"), [(1, "nn1_test_accuracy"), (5, "knn5_test_accuracy")])
def test_neighbours(chunked, values, neighbours, name):
    found = nearest_neighbour_accuracy(**chunked, train=TRAIN, test=TEST, neighbours=neighbours)
    assert np.abs(found.matrix.T - values["probe"][name]).max() <= values["tolerances_absolute"]["knn"]


def test_probes(chunked, values):
    codes, factors = chunked["codes"], chunked["factors"]
    found = [linear_probe(codes[TEST, a:b], {n: y[TEST] for n, y in factors.items()},
                          codes[TRAIN, a:b], {n: y[TRAIN] for n, y in factors.items()}).accuracy
             for a, b in chunked["chunks"].values()]
    matrix = np.asarray([list(accuracies.values()) for accuracies in found])
    tolerance = values["tolerances_absolute"]["linear_probe"]
    assert np.abs(matrix - values["probe"]["linear_test_accuracy"]).max() <= tolerance


def test_errors_of_images(arrays, values):
    pairs = zip(arrays["img_a"], arrays["img_b"], strict=True)
    found = [reconstruction_error(a[None].transpose(0, 3, 1, 2), b[None].transpose(0, 3, 1, 2)).mse for a, b in pairs]
    assert found == pytest.approx(values["image"]["mse"], abs=values["tolerances_absolute"]["mse"])
