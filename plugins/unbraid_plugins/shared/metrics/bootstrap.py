"""Bootstrap over images: the scores of resampled sets of images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

NONE = np.empty(0)                                 # bootstrap scores, where no resamples were asked for


def counts(images: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each of N images is drawn, (N,), by N draws with replacement (Efron 1979); `resamples` times."""
    random = np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(random.integers(0, images, images), minlength=images)


def means(values: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Return the means of values (N, ...) over bootstrap resamples of the images: (resamples, ...).

    A value of NaN is left out. The mean is NaN where no drawn image has a value.
    """
    values = np.asarray(values, np.float64)
    known = ~np.isnan(values)
    flat, there = np.where(known, values, 0.0).reshape(len(values), -1), known.reshape(len(values), -1)
    found = np.full((resamples, flat.shape[1]), np.nan)
    for i, weights in enumerate(counts(len(values), resamples, seed)):
        total = weights @ there
        np.divide(weights @ flat, total, out=found[i], where=total > 0)
    return found.reshape(resamples, *values.shape[1:])
