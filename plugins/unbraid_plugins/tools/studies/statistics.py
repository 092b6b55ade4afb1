"""Means over seeds with bootstrap intervals, paired differences, rank correlations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np

DRAWS = 10_000
LEVEL = 0.95
FEWEST = 3                                         # the fewest values of a rank correlation


@attrs.frozen
class Summary:
    """The summary of n values.

    std: the standard deviation with n - 1 in the denominator; None for one value.
    min, max: the smallest and the largest value.
    interval: the 95 % bootstrap interval of the mean; None for one value.
    """

    n: int
    mean: float
    std: float | None
    min: float
    max: float
    interval: tuple[float, float] | None


@attrs.frozen
class Gap:
    """A mean difference with its bootstrap interval.

    paired: whether it is over n pairs of values with equal seeds, or between independent means.
    """

    n: int
    mean: float
    interval: tuple[float, float] | None
    paired: bool


def summary(values: Sequence[float]) -> Summary:
    """Summarize at least one value."""
    v = np.asarray(values, np.float64)
    return Summary(len(v), float(v.mean()), float(v.std(ddof=1)) if len(v) > 1 else None, float(v.min()),
                   float(v.max()), _quantiles(_means(v, 0)) if len(v) > 1 else None)


def gap(a: Mapping[str, float], b: Mapping[str, float]) -> Gap:
    """Return mean(a - b) over common seeds, with a percentile bootstrap over these seeds (Efron 1979).

    If fewer than two seeds match, it is the difference of the means of all values; a and b are resampled separately.

    a, b: seed -> value.
    """
    common = [seed for seed in a if seed in b]
    if len(common) > 1:
        d = np.asarray([a[seed] - b[seed] for seed in common])
        return Gap(len(d), float(d.mean()), _quantiles(_means(d, 0)), True)
    one, two = (np.asarray(list(v.values())) for v in (a, b))
    interval = _quantiles(_means(one, 0) - _means(two, 1)) if min(len(one), len(two)) > 1 else None
    return Gap(min(len(one), len(two)), float(one.mean() - two.mean()), interval, False)


def rank_correlation(columns: Sequence[Sequence[float | None]]) -> tuple[list[list[float | None]], list[list[int]]]:
    """Return Spearman's correlations between columns of scores, and the number of runs behind each.

    Each correlation is over the runs that have both scores. It is None if these are fewer than three or if one column
    is constant.
    """
    table = np.asarray([[np.nan if v is None else v for v in column] for column in columns], np.float64)
    rho: list[list[float | None]] = []
    counts = []
    for a in table:
        both = [~np.isnan(a) & ~np.isnan(b) for b in table]
        counts.append([int(m.sum()) for m in both])
        rho.append([spearman(a[m], b[m]) for b, m in zip(table, both, strict=True)])
    return rho, counts


def spearman(a: np.ndarray, b: np.ndarray) -> float | None:
    """Return Spearman's correlation; None as in `rank_correlation`."""
    from scipy.stats import spearmanr

    if len(a) < FEWEST or (a == a[0]).all() or (b == b[0]).all():
        return None
    return float(spearmanr(a, b).statistic)


def _means(values: np.ndarray, stream: int) -> np.ndarray:
    """Return the means of 10,000 bootstrap samples, the same at every call."""
    rng = np.random.default_rng([stream, len(values)])
    return values[rng.integers(0, len(values), (DRAWS, len(values)))].mean(1)


def _quantiles(means: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
