"""The metrics of disentanglement equal disentanglement_lib's own values on stored tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from unbraid_plugins.shared.metrics import (
    beta_vae_score,
    clustering_accuracy,
    dci,
    explicitness,
    factor_vae_score,
    irs,
    mig,
    modularity,
    nmi,
    psnr,
    sap,
    ssim,
)

pytestmark = pytest.mark.shared_data
CASES = ["perfect_axis", "rotated", "noisy_0.1", "noisy_0.5", "entangled_mlp", "random", "near_dead_dims",
         "one_hot_blocks", "duplicated", "rotated_pair_45deg", "missing_factors", "constant_dims"]


@attrs.frozen(eq=False)
class Reference:
    arrays: dict[str, np.ndarray]
    values: dict[str, Any]

    def rows(self) -> dict[str, np.ndarray]:
        return {"train": self.arrays["train_index"], "test": self.arrays["test_index"]}

    def check(self, case: str, found: dict[str, float], part: str = "fixed") -> None:
        """What was found is as near as the reference's file asks."""
        expected, tolerance = self.values["cases"][case][part], self.values["tolerances_absolute"]
        for name, value in found.items():
            known = expected[name] if part == "fixed" else expected[name]["mean"]
            if known is not None:
                assert value == pytest.approx(known, abs=tolerance[name]), name


def stored(folder: Path, name: str) -> Reference:
    with np.load(folder / f"{name}_cases.npz") as file:
        arrays = dict(file)
    return Reference(arrays, json.loads((folder / f"{name}_values.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def tables(shared: Path) -> Reference:
    return stored(shared / "reference/metrics", "disentanglement")


@pytest.fixture(scope="module")
def others(shared: Path) -> Reference:
    return stored(shared / "reference/metrics", "other")


def test_every_case_is_tested(tables):
    assert list(tables.values["cases"]) == CASES


@pytest.mark.parametrize("case", CASES)
def test_what_samples_nothing(tables, case):
    codes, factors, rows = tables.arrays[f"codes__{case}"], tables.arrays["factors"], tables.rows()
    gap, explicit = mig(codes, factors), explicitness(codes, factors, **rows)
    name = "mutual_information_matrix_all_rows"
    assert np.abs(gap.information - tables.values["cases"][case]["fixed"][name]).max() < 1e-6
    tables.check(case, {
        "mig_all_rows": gap.score, "modularity_all_rows": modularity(codes, factors).score,
        "irs_all_rows": irs(codes, factors).score, "sap_discrete": sap(codes, factors, **rows).score,
        "sap_continuous": sap(codes, factors, continuous=True, **rows).score,
        "explicitness_train": float(explicit.train.mean()), "explicitness_test": explicit.score})


@pytest.mark.parametrize("case", ["noisy_0.5", "duplicated", "constant_dims"])
def test_dci(tables, case):
    found = dci(tables.arrays[f"codes__{case}"], tables.arrays["factors"], **tables.rows())
    tables.check(case, {
        "dci_disentanglement": found.disentanglement, "dci_completeness": found.completeness,
        "dci_informativeness_test": found.informativeness, "dci_informativeness_train": found.informativeness_train})


@pytest.mark.parametrize("case", CASES)
def test_what_draws_groups(tables, case):
    codes, factors = tables.arrays[f"codes__{case}"], tables.arrays["factors"]
    tables.check(case, {
        "beta_vae_score": beta_vae_score(codes, factors, train_points=3000, points=3000).score,
        "factor_vae_score": factor_vae_score(codes, factors, train_votes=3000, votes=3000).score}, "sampled")


@pytest.mark.parametrize("case", ["perfect_permuted", "noisy", "random", "merged", "oversplit", "constant"])
def test_clusters(others, case):
    clusters, truth = others.arrays[f"cluster_{case}"], others.arrays["cluster_truth"]
    expected = others.values["clustering"][case]
    assert clustering_accuracy(clusters, truth).score == pytest.approx(expected["accuracy_hungarian"], abs=1e-6)
    assert nmi(clusters, truth).score == pytest.approx(expected["nmi_arithmetic"], abs=1e-6)


def test_images(others):
    a, b = (others.arrays[name].transpose(0, 3, 1, 2) for name in ("img_a", "img_b"))
    expected = others.values["image"]
    assert psnr(a, b).by_image == pytest.approx(expected["psnr_data_range_1"], abs=1e-3)
    assert ssim(a, b).by_image == pytest.approx(expected["ssim_gaussian_sigma1.5_population_cov"], abs=1e-4)
    assert ssim(a, b, window="uniform").by_image == pytest.approx(expected["ssim_uniform7_sample_cov"], abs=1e-4)
