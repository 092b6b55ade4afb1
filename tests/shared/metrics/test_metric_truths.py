"""What is true of the metrics of disentanglement beside disentanglement: odd codes, degenerate input, intervals."""

from __future__ import annotations

import numpy as np
import pytest

from unbraid_plugins.shared.metrics import (
    beta_vae_score,
    dci,
    explicitness,
    factor_vae_score,
    irs,
    mig,
    modularity,
    sap,
)
from unbraid_plugins.shared.metrics.bootstrap import counts
from unbraid_plugins.shared.metrics.disentanglement.modularity_explicitness import _resampled_areas, area_under_roc

PLAIN = [mig, modularity, sap, irs, explicitness]
ALL = [*PLAIN, dci, beta_vae_score, factor_vae_score]
FAST = {dci: {"rounds": 10}, beta_vae_score: {"train_points": 400, "points": 400},
        factor_vae_score: {"train_votes": 400, "votes": 400}}
SURE = [mig, modularity, sap, explicitness, beta_vae_score, factor_vae_score]


def score(metric, codes, factors) -> float:
    return metric(codes, factors, **FAST.get(metric, {})).score


@pytest.fixture(scope="module")
def factors() -> np.ndarray:
    return np.stack(np.meshgrid(*(np.arange(n) for n in (3, 4, 5, 6)), indexing="ij"), -1).reshape(-1, 4)


@pytest.fixture(scope="module")
def mixed(factors) -> np.ndarray:
    """A dense linear mixing: every number knows of every factor."""
    return (factors - factors.mean(0)) / factors.std(0) @ np.random.default_rng(7).normal(size=(4, 10))


class TestOddTruths:
    """What is true of a metric and not of disentanglement."""

    def test_a_code_that_knows_every_factor_twice(self, factors):
        doubled = np.repeat(factors, 2, axis=1) * np.asarray([1.0, -2.0] * 4)
        assert (mig(doubled, factors).score, sap(doubled, factors).score) == pytest.approx((0, 0), abs=1e-9)
        assert modularity(doubled, factors).score == pytest.approx(1)
        assert score(factor_vae_score, doubled, factors) == 1

    def test_blocks_of_one_hot_numbers(self, factors):
        blocks = np.concatenate([np.eye(n)[v] for n, v in zip((3, 4, 5, 6), factors.T, strict=True)], 1)
        assert mig(blocks, factors).score == pytest.approx(0, abs=1e-9)
        assert modularity(blocks, factors).score == pytest.approx(1)
        assert score(dci, blocks, factors) == pytest.approx(1, abs=1e-6)
        assert dci(blocks, factors, rounds=10).completeness < 0.7

    def test_one_line_does_not_part_classes_in_a_row(self, factors):
        """A perfect code has a SAP of much less than 1."""
        assert 0.3 < sap(factors, factors).score < 0.7

    def test_random_codes_are_modular(self, factors):
        noise = np.random.default_rng(0).normal(size=(len(factors), 8))
        assert modularity(noise, factors).score > 0.4
        assert mig(noise, factors).score < 0.05


class TestDegenerate:
    """What can hardly be measured has a value all the same, or a clear error."""

    @pytest.mark.parametrize("metric", ALL)
    def test_a_number_that_never_changes(self, metric, factors):
        codes = np.concatenate([factors, np.full((len(factors), 1), 7.0)], 1)
        assert np.isfinite(score(metric, codes, factors))

    @pytest.mark.parametrize("metric", ALL)
    def test_more_numbers_than_images(self, metric):
        random = np.random.default_rng(0)
        assert 0 <= score(metric, random.normal(size=(12, 40)), random.integers(0, 2, (12, 2))) <= 1

    @pytest.mark.parametrize("metric", ALL)
    def test_one_class(self, metric):
        random = np.random.default_rng(0)
        assert 0 <= score(metric, random.normal(size=(30, 3)), np.zeros((30, 2), int)) <= 1

    @pytest.mark.parametrize("metric", ALL)
    def test_one_image(self, metric):
        codes, factors = np.ones((1, 3)), np.zeros((1, 2), int)
        if metric in (sap, explicitness, dci):
            with pytest.raises(ValueError, match="both need some"):
                metric(codes, factors)
        else:
            assert 0 <= score(metric, codes, factors) <= 1

    @pytest.mark.parametrize("metric", ALL)
    def test_what_is_no_number(self, metric, factors):
        with pytest.raises(ValueError, match="1 of 360 codes are not finite"):
            metric(np.where(np.arange(360)[:, None] == 5, np.nan, factors), factors)


class TestInvariance:
    @pytest.mark.parametrize("metric", ALL)
    def test_the_sign_of_numbers_does_not_matter(self, metric, factors, mixed):
        """Up to a value that lies on the border of two bins, and ties."""
        signs = np.where(np.arange(10) % 2, -1.0, 1.0)
        near = 1e-6 if metric in (irs, explicitness, beta_vae_score, factor_vae_score) else 0.02
        assert score(metric, mixed * signs, factors) == pytest.approx(score(metric, mixed, factors), abs=near)


class TestIntervals:
    @pytest.mark.parametrize("metric", SURE)
    def test_resampling_changes_no_score_and_stays_near(self, metric, factors, mixed):
        codes = mixed[:, :5] + np.random.default_rng(3).normal(size=(360, 5))
        plain, found = (metric(codes, factors, resamples=r, **FAST.get(metric, {})) for r in (0, 60))
        assert found.score == plain.score
        assert len(plain.resampled) == 0
        assert found.resampled.shape == (60,)
        assert 0 < found.resampled.std() < 0.1
        assert abs(found.resampled.mean() - found.score) < 0.1

    def test_an_interval_is_as_wide_as_scores_of_other_images_differ(self):
        """Against the spread of the score over images that are really drawn again."""
        random = np.random.default_rng(0)

        def drawn(count: int = 400) -> tuple[np.ndarray, np.ndarray]:
            v = np.stack([random.integers(0, 4, count), random.integers(0, 5, count)], 1)
            return v @ np.asarray([[1.0, 0.2], [0.1, 1.0]]) + random.normal(size=(count, 2)) * 0.3, v

        scores = np.asarray([mig(*drawn()).score for _ in range(100)])
        found = mig(*drawn(), resamples=100).resampled
        assert found.std() == pytest.approx(scores.std(), rel=0.35)

    def test_areas_of_redrawn_images(self):
        random = np.random.default_rng(0)
        p, y = random.dirichlet(np.ones(3), 50).round(1), random.integers(0, 3, 50)
        found = _resampled_areas(p, y, np.arange(3), 5, seed=2)
        again = [np.repeat(np.arange(50), times) for times in counts(50, 5, 2)]
        assert found == pytest.approx([area_under_roc(p[rows], y[rows], np.arange(3)) for rows in again])


def test_processes_change_nothing(factors, mixed):
    alone, shared = (dci(mixed, factors, rounds=5, workers=n) for n in (1, 2))
    assert (alone.importance == shared.importance).all()
    assert alone.informativeness == shared.informativeness
