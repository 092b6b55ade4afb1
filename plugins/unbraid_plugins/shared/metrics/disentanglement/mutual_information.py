"""Mutual information between the dimensions of a code and the factors, counted in bins."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from unbraid_plugins.shared.metrics.bootstrap import counts as drawn_again

ROUNDING = 1e-12                                   # nats: less is the rounding error of independent classes
AFFORDABLE = 2 * 10 ** 9                           # counts that a bootstrap may take: some ten seconds


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


def information_of_each(counts: np.ndarray) -> np.ndarray:
    """Return the `information` of tables (D, a, b) of as many images, to the same bits: (D,)."""
    p = counts / counts[0].sum()
    independent = p.sum(2, keepdims=True) * p.sum(1, keepdims=True)
    met = p > 0
    terms = p[met] * np.log(p[met] / independent[met])
    ends = np.count_nonzero(met, axis=(1, 2)).cumsum()
    found = np.asarray([part.sum() for part in np.split(terms, ends[:-1])])
    return np.where(found > ROUNDING, found, 0.0)


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

    The bins are those of the images themselves. Yield nothing where this would be more than `AFFORDABLE` counts.
    """
    if not 0 < len(codes) * codes.shape[1] * factors.shape[1] * resamples <= AFFORDABLE:
        return
    z, v = binned(codes, bins), np.asarray(factors)
    sizes = v.max(0) + 1
    tables = [(z * size + b[:, None] + np.arange(z.shape[1]) * bins * size, size)
              for b, size in zip(v.T, sizes, strict=True)]
    for weights in drawn_again(len(z), resamples, seed):
        each = np.repeat(weights, z.shape[1])
        matrix = [information_of_each(np.bincount(cells.ravel(), each, z.shape[1] * bins * size)
                                      .reshape(-1, bins, size)) for cells, size in tables]
        yield np.stack(matrix, 1), np.asarray([entropy_of(np.bincount(b, weights)) for b in v.T])
