"""A representation as the classifiers want it: of one scale, and not too wide."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid_plugins.tools.probing.representations import Representation

WIDEST = 512                                       # numbers that a linear classifier sees
STILL = 1e-6                                       # of its mean: a number that spreads less does not move


@attrs.frozen(eq=False)
class Prepared:
    """Numbers of mean 0 over the training images, whose spread is 1 on average.

    train, test: (M, D) and (N, D) float32, to look for neighbours in; train_axes, test_axes: the same for linear
    classifiers, where D is large on the first principal axes of the training images; kept: their share of variance.
    """

    train: np.ndarray
    test: np.ndarray
    train_axes: np.ndarray
    test_axes: np.ndarray
    kept: float = 1.0


def prepared(r: Representation, seed: int = 0) -> Prepared:
    """Standardise by the training images, labelled or not: every number of a code by itself, pixels all by one number.

    A number that does not move becomes 0.
    """
    centre = r.train.mean(0, dtype=np.float64)
    spread = r.train.std(0, dtype=np.float64)
    if not r.standardised:
        spread = np.full_like(spread, np.sqrt((spread ** 2).mean()))
    scale = np.where(spread > STILL * abs(centre) + 1e-30, 1 / np.maximum(spread, 1e-30), 0.0)
    train, test = (((codes - centre) * scale).astype(np.float32) for codes in (r.train, r.test))
    if train.shape[1] <= WIDEST:
        return Prepared(train, test, train, test)
    return Prepared(train, test, *_axes(train, test, seed))


def _axes(train: np.ndarray, test: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Both on the first principal axes of the training images, again with a mean spread of 1."""
    from sklearn.decomposition import PCA

    count = min(WIDEST, len(train) - 1)
    axes = PCA(count, svd_solver="randomized", iterated_power=1, random_state=seed).fit(train)
    scale = np.float32(1 / max(np.sqrt(axes.explained_variance_.mean()), 1e-30))
    return axes.transform(train) * scale, axes.transform(test) * scale, float(axes.explained_variance_ratio_.sum())
