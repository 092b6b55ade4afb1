"""The nearest labelled images decide."""

from __future__ import annotations

import numpy as np

from unbraid.evaluation.evidence import BATCH


def distances(test: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances (N, M) of centred rows (N, D) and (M, D), without the part that is each row's own."""
    return np.einsum("ij,ij->i", train, train) - 2 * (test @ train.T)


def nearest(between: np.ndarray, rows: np.ndarray, labels: np.ndarray, neighbours: int = 1) -> np.ndarray:
    """The most frequent class of the nearest labelled images, of equally frequent ones that of the nearest.

    between: (N, M) distances; rows: (n,) those that are labelled; labels: (n,) their classes. Returns (N,) classes.
    """
    k = min(neighbours, len(rows))
    found = np.empty(len(between), labels.dtype)
    for i in range(0, len(between), BATCH):
        near = between[i:i + BATCH][:, rows]
        if k == 1:
            found[i:i + BATCH] = labels[near.argmin(1)]
            continue
        few = np.argpartition(near, k - 1, axis=1)[:, :k]
        order = np.take_along_axis(few, np.take_along_axis(near, few, 1).argsort(1, kind="stable"), 1)
        found[i:i + BATCH] = [_most_frequent(votes) for votes in labels[order]]
    return found


def _most_frequent(votes: np.ndarray) -> int:
    """The most frequent of several numbers, of equally frequent ones the first.

    >>> _most_frequent(np.asarray([4, 2, 2, 4, 1]))
    4
    """
    values, first, counts = np.unique(votes, return_index=True, return_counts=True)
    return int(values[np.lexsort((first, -counts))[0]])
