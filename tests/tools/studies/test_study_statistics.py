"""Means with intervals, paired differences, rank correlations: against hand calculation and SciPy."""

from __future__ import annotations

import numpy as np
import pytest

from unbraid_plugins.tools.studies.statistics import gap, rank_correlation, spearman, summary


def test_a_summary_by_hand():
    s = summary([1.0, 2.0, 3.0, 6.0])
    assert (s.n, s.mean, s.min, s.max) == (4, 3.0, 1.0, 6.0)
    assert s.std == pytest.approx((14 / 3) ** 0.5)                  # deviations 4, 1, 0, 9 over n - 1
    assert s.interval is not None
    assert 1.0 <= s.interval[0] < 3.0 < s.interval[1] <= 6.0
    assert summary([0.5]).std is summary([0.5]).interval is None


def test_the_interval_of_many_values_is_that_of_the_normal_distribution():
    values = np.random.default_rng(1).normal(2, 3, 2000)
    low, high = summary(values.tolist()).interval
    half = 1.959964 * values.std(ddof=1) / 2000 ** 0.5
    assert low == pytest.approx(values.mean() - half, abs=0.05 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.05 * half)


def test_equal_seeds_are_compared_with_each_other():
    rng = np.random.default_rng(0)
    luck = {str(i): float(rng.normal()) for i in range(8)}           # what a seed gives to both methods alike
    a = {seed: luck[seed] + 0.1 + 0.01 * float(rng.normal()) for seed in luck}
    paired = gap(a, luck)
    apart = gap({f"other {seed}": v for seed, v in a.items()}, luck)
    assert (paired.n, paired.paired, apart.paired) == (8, True, False)
    assert paired.mean == pytest.approx(apart.mean) == pytest.approx(0.1, abs=0.02)
    assert 0 < paired.interval[0] < paired.interval[1] < 0.2
    assert apart.interval[0] < 0 < apart.interval[1]


def test_only_seeds_that_both_have_are_pairs():
    found = gap({"0": 5.0, "1": 1.0, "2": 2.0}, {"1": 0.5, "2": 1.0, "7": 100.0})
    assert (found.n, found.mean) == (2, 0.75)
    assert gap({"0": 1.0}, {"0": 0.0}).interval is None


def test_rank_correlations_share_the_ranks_of_ties():
    a, b = np.asarray([1.0, 1, 2, 3]), np.asarray([2.0, 1, 30, 400])       # ranks 1.5, 1.5, 3, 4 and 2, 1, 3, 4
    assert spearman(a, b) == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    assert spearman(a, np.ones(4)) is None
    assert spearman(a[:2], b[:2]) is None


def test_correlations_are_over_the_runs_that_have_both():
    rho, n = rank_correlation([[1.0, 2.0, 3.0, None, 9.0], [10.0, 30.0, 20.0, 5.0, None], [None] * 5])
    assert n == [[4, 3, 0], [3, 4, 0], [0, 0, 0]]
    assert rho[0][1] == rho[1][0] == pytest.approx(0.5)
    assert rho[0][0] == pytest.approx(1.0)
    assert rho[2] == [None, None, None]
