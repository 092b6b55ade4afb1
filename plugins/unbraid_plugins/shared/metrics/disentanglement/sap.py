"""Separated attribute predictability."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid_plugins.shared.metrics.bootstrap import NONE, means
from unbraid_plugins.shared.metrics.disentanglement.factor_table import split, table
from unbraid_plugins.shared.metrics.disentanglement.support_vectors import predicted


@attrs.frozen(eq=False)
class Predictability:
    """Separated attribute predictability.

    predictability: (D, K) in [0, 1], of each factor from each dimension alone.
    gap: (K,), the best minus the second.
    score: mean gap.
    resampled: hidden, the scores of bootstrap resamples of the test images (NONE for continuous factors).
    """

    predictability: np.ndarray
    gap: np.ndarray
    score: float
    resampled: np.ndarray = attrs.field(default=NONE, repr=False, metadata={"hidden": True})


def sap(codes: np.ndarray, factors: np.ndarray, *, continuous: bool = False, train: np.ndarray | None = None,
        test: np.ndarray | None = None, penalty: float = 0.01, resamples: int = 0, seed: int = 0) -> Predictability:
    """Return the separated attribute predictability of the factors (Kumar et al. 2018, section 3):

        SAP = 1/K sum_k (S_(1)k - S_(2)k),    S_(1)k, S_(2)k the two largest over the dimensions of the code

    It is large where only one dimension predicts each factor. S_dk is the accuracy on the test rows of a linear support
    vector machine that sees dimension d alone; with continuous factors, it is the squared correlation on the train
    rows. One line can't part classes that lie in order on it, so a perfect code has much less than 1 by accuracy: on
    dSprites 0.18.

    codes: (N, D).
    factors: (N, K) whole numbers from 0, or any if continuous.
    train, test: rows to fit on and to test on.
    resamples: the number of bootstrap resamples over the test images.
    """
    codes, factors = table(codes, factors, measured=continuous)
    rows, others = split(len(codes), train, test)
    if continuous:
        matrix, again = squared_correlations(codes[rows], factors[rows]), NONE
    else:
        hits = np.stack([v[others, None] == predicted(codes[rows].T, v[rows], codes[others].T, penalty).T
                         for v in factors.T], -1)                                              # (test rows, D, K)
        matrix, again = hits.mean(0), _gaps(means(hits, resamples, seed)).mean(-1)
    gap = _gaps(matrix)
    return Predictability(matrix, gap, float(gap.mean()), again)


def _gaps(matrix: np.ndarray) -> np.ndarray:
    """Return the best minus the second of the dimensions: (..., D, K) -> (..., K)."""
    ordered = np.sort(np.concatenate([np.zeros_like(matrix[..., :1, :]), matrix], -2), axis=-2)
    return ordered[..., -1, :] - ordered[..., -2, :]


def squared_correlations(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Return the squared correlation of every dimension with every factor: (D, K), 0 where either is constant."""
    x, y = codes - codes.mean(0), factors - factors.mean(0)
    scale = len(x) - 1
    spread = np.square(x).sum(0)[:, None] / scale * np.square(y).sum(0) / scale
    alive = (codes.var(0, ddof=1) > 1e-12)[:, None] & (spread > 0)
    return np.divide(np.square(x.T @ y / scale), spread, out=np.zeros(spread.shape), where=alive)
