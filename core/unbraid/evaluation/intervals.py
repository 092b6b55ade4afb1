"""How sure a score is."""

from __future__ import annotations

import numpy as np

LEVEL = 0.95


def interval(score: float, resampled: np.ndarray) -> list[float] | None:
    """The middle 95 % of bootstrapped scores, moved so that their mean is the score (Efron 1979).

    Resampled images come twice, which adds information that is not there: without the move a score may lie outside.
    What is never negative has no negative end. resampled: (B,) scores of images drawn again with replacement; None
    without any that is finite.

    >>> interval(0.5, np.asarray([0.6, 0.7, 0.8]))
    [0.405, 0.595]
    """
    values = np.asarray(resampled, np.float64)
    values = values[np.isfinite(values)]
    if not len(values) or not np.isfinite(score):
        return None
    low, high = score + np.quantile(values - values.mean(), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return [round(float(max(low, min(score, values.min(), 0))), 6), round(float(high), 6)]
