"""Preprocessing of representations for the classifiers: one scale, and a limited width."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid_plugins.tools.probing.representations import Representation

WIDEST = 512                                       # largest number of dimensions for a linear classifier
STILL = 1e-6                                       # of its mean; a dimension with a smaller spread counts as constant


@attrs.frozen(eq=False)
class Prepared:
    """Representations with mean 0 over the training images and a spread of 1 on average.

    train, test: (M, D) and (N, D) float32, for nearest neighbours.
    train_axes, test_axes: the same for linear classifiers; where D is large, the first principal axes of the training
        images.
    kept: the share of variance on these axes.
    """

    train: np.ndarray
    test: np.ndarray
    train_axes: np.ndarray
    test_axes: np.ndarray
    kept: float = 1.0


def prepared(r: Representation, seed: int = 0) -> Prepared:
    """Standardise a representation by all training images, labelled or not.

    Each dimension of the code has its own scale; pixels share one. A dimension with no spread becomes 0.
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
    """Project both on the first principal axes of the training images, and scale them to a mean spread of 1."""
    from sklearn.decomposition import PCA

    count = min(WIDEST, len(train) - 1)
    axes = PCA(count, svd_solver="randomized", iterated_power=1, random_state=seed).fit(train)
    scale = np.float32(1 / max(np.sqrt(axes.explained_variance_.mean()), 1e-30))
    return axes.transform(train) * scale, axes.transform(test) * scale, float(axes.explained_variance_ratio_.sum())
