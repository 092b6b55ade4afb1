"""The table of codes and factors that the disentanglement metrics take."""

from __future__ import annotations

import numpy as np

TRAIN = 2 / 3                                      # of the rows, as 10,000 of 15,000 in Locatello et al. 2019


def table(codes: np.ndarray, factors: np.ndarray, *, measured: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes (N, D) in float64 and the factors (N, K) as classes 0, 1, ...; every metric begins with it.

    measured: the factors are any numbers, and keep their values.

    Raises ValueError where the shapes do not fit, codes are not finite, or factors are no whole numbers from 0.
    """
    codes, factors = np.asarray(codes, np.float64), np.asarray(factors)
    if codes.ndim != 2 or 0 in codes.shape:
        raise ValueError(f"codes must be (N, D), one row for each image; found {codes.shape}")
    if factors.ndim != 2 or len(factors) != len(codes) or not factors.shape[1]:
        raise ValueError(f"factors must be ({len(codes)}, K), one column for each factor; found {factors.shape}")
    if not np.isfinite(codes).all():
        raise ValueError(f"{int((~np.isfinite(codes)).any(1).sum())} of {len(codes)} codes are not finite")
    if measured:
        return codes, factors.astype(np.float64)
    if not np.issubdtype(factors.dtype, np.integer):
        raise ValueError(f"factors must be whole numbers; found {factors.dtype}. A measured factor needs bins first: "
                         "unbraid_plugins.shared.metrics.binned(values)")
    if factors.min() < 0:
        raise ValueError(f"{int((factors < 0).any(1).sum())} rows have an unknown factor (-1); leave these rows out")
    return codes, np.stack([compact(column) for column in factors.T], 1)


def compact(classes: np.ndarray) -> np.ndarray:
    """Return whole numbers from 0 as 0, 1, ... in their order: (N,); where they are small, without sorting.

    >>> compact(np.asarray([7, 2, 7, 5]))
    array([2, 0, 2, 1])
    """
    if classes.max() >= 4 * len(classes):
        return np.unique(classes, return_inverse=True)[1]
    classes = classes.astype(np.int64)
    return (np.cumsum(np.bincount(classes) > 0) - 1)[classes]


def order_of(classes: np.ndarray) -> np.ndarray:
    """Return the rows by class, those of a class in their order: (N,).

    NumPy sorts numbers of 16 bits by their digits, in a time that is linear in N.
    """
    return np.argsort(classes.astype(np.uint16) if 0 <= classes.min() <= classes.max() < 2 ** 16 else classes,
                      kind="stable")


def split(count: int, train: np.ndarray | None, test: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to fit on and those to test on: the given ones, else two thirds and one third, at random.

    Where one is given, the other is the rest.  Raises ValueError where one is empty.
    """
    if train is None and test is None:
        order = np.random.default_rng(0).permutation(count)
        train, test = np.split(order, [round(TRAIN * count)])
    elif train is None or test is None:
        given = np.asarray(test if train is None else train)
        rest = np.setdiff1d(np.arange(count), np.arange(count)[given])
        train, test = (rest, given) if train is None else (given, rest)
    train, test = np.arange(count)[np.asarray(train)], np.arange(count)[np.asarray(test)]
    if not len(train) or not len(test):
        raise ValueError(f"{len(train)} rows to fit on and {len(test)} to judge on: both need some")
    return train, test


def standardised(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standardise both by the mean and the deviation of `train`; a dimension that is constant there becomes 0."""
    centre, spread = train.mean(0), train.std(0)
    dead = spread <= 1e-12 * np.maximum(np.abs(centre), 1)
    spread = np.where(dead, 1, spread)
    return np.where(dead, 0, (train - centre) / spread), np.where(dead, 0, (test - centre) / spread)
