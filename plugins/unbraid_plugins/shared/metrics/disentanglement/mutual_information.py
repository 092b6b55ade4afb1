"""Mutual information between the dimensions of a code and the factors, counted in bins."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from unbraid_plugins.shared.metrics.bootstrap import counts as drawn_again

ROUNDING = 1e-12                                   # nats: less is the rounding error of independent classes
AFFORDABLE = 2 * 10 ** 9                           # counts that a bootstrap may take: some ten seconds
COUNTS = 2 ** 22                                   # at a time: some hundred megabytes


def binned(values: np.ndarray, bins: int = 20) -> np.ndarray:
    """Put each column's values into `bins` equally wide bins from its least to its largest, 0 to bins - 1.

    The edges are those of `numpy.histogram`, each bin with its left one (Locatello et al. 2019, appendix C).

    values: (N, D) or (N,).

    >>> binned(np.asarray([0, 0.1, 0.5, 0.99, 1]), bins=4)
    array([0, 0, 2, 3, 3])
    """
    values = np.asarray(values, np.float64)
    if values.ndim == 1:
        return binned(values[:, None], bins)[:, 0]
    found = np.empty(values.shape, np.int64)
    for d, column in enumerate(values.T):
        found[:, d] = np.digitize(column, np.histogram_bin_edges(column, bins)[:-1]) - 1
    return found


def contingency(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Count how often class i of a meets class j of b, (classes, classes).  a, b: (N,) whole numbers from 0."""
    rows, columns = int(a.max()) + 1, int(b.max()) + 1
    return np.bincount(a * columns + b, minlength=rows * columns).reshape(rows, columns)


def information(counts: np.ndarray) -> float:
    """Return the mutual information of a contingency table, in nats:  I = sum_ij p_ij log(p_ij / (p_i p_j))."""
    p = counts / counts.sum()
    independent = p.sum(1, keepdims=True) * p.sum(0, keepdims=True)
    met = p > 0
    found = float((p[met] * np.log(p[met] / independent[met])).sum())
    return found if found > ROUNDING else 0.0


def entropy(classes: np.ndarray) -> float:
    """Return H = -sum_i p_i log p_i of (N,) whole numbers from 0, in nats."""
    return entropy_of(np.bincount(classes))


def entropy_of(counts: np.ndarray) -> float:
    """Return the entropy of classes, in nats, from the count of each class."""
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log(p)).sum())


def mutual_information(codes: np.ndarray, factors: np.ndarray, bins: int = 20) -> np.ndarray:
    """Return I(z_d; v_k) between the binned dimensions of a code and the factors: (D, K), in nats.

    codes: (N, D); factors: (N, K) whole numbers from 0.
    """
    def row(numbers: np.ndarray) -> list[float]:   # one at a time: the bins of all would be as large as the codes
        found = binned(numbers, bins)
        return [information(contingency(found, v)) for v in np.asarray(factors).T]

    return np.asarray([row(numbers) for numbers in np.asarray(codes).T])


def resampled_information(codes: np.ndarray, factors: np.ndarray, bins: int, resamples: int,
                          seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the information (D, K) and the factors' entropies (K,) of bootstrap resamples of the images.

        I(z; v) = H(z) + H(v) - H(z, v),    H = log N - 1/N sum_i n_i log n_i,    n_i the counts of N images

    A resample weighs the images by how often it drew each, so the counts of many are one product of matrices. The bins
    are those of the images themselves. Yield nothing where this would be more than `AFFORDABLE` counts.
    """
    if not 0 < len(codes) * codes.shape[1] * factors.shape[1] * resamples <= AFFORDABLE:
        return
    z, v, images = binned(codes, bins), np.asarray(factors), len(codes)
    numbers = np.arange(images + 1)
    logs = numbers * np.log(np.maximum(numbers, 1))                             # n log n
    kinds = list(zip(v.T, v.max(0) + 1, strict=True))                           # classes and their number, by factor
    every = drawn_again(images, resamples, seed)
    portion = max(COUNTS // (images * z.shape[1]), 1)
    while drawn := list(islice(every, portion)):
        times = np.stack(drawn, 1)                                              # (N, resamples)
        alone = _sums(z, bins, times, logs)
        entropies = logs[-1] - np.stack([_sums(b[:, None], size, times, logs)[0] for b, size in kinds])
        both = np.stack([_sums(z * size + b[:, None], bins * size, times, logs) for b, size in kinds], 1)
        found = (both - alone[:, None] + entropies) / images
        found[found <= ROUNDING] = 0.0
        yield from zip(found.transpose(2, 0, 1), entropies.T / images, strict=True)


def _sums(cells: np.ndarray, width: int, times: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """Return the sum of n log n over the cells of each column, for every resample: (D, resamples).

    cells: (N, D), whole numbers below the width: the cells that the images fall into.
    times: (N, resamples), how often each image was drawn.
    """
    from scipy.sparse import csc_array

    images, columns = cells.shape
    apart = (cells + np.arange(columns) * width).ravel()
    met = np.bincount(apart, minlength=columns * width) > 0
    members = csc_array((np.ones(len(apart), times.dtype), (met.cumsum() - 1)[apart],
                         np.arange(images + 1) * columns), shape=(int(met.sum()), images))
    starts = np.concatenate([[0], np.count_nonzero(met.reshape(columns, width), axis=1).cumsum()[:-1]])
    return np.add.reduceat(logs.take(members @ times), starts, axis=0)
