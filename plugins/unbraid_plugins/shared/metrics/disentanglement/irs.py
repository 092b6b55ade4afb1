"""The interventional robustness score."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid_plugins.shared.metrics.disentanglement.factor_table import order_of, table
from unbraid_plugins.shared.metrics.disentanglement.mutual_information import binned


@attrs.frozen(eq=False)
class InterventionalRobustness:
    """Interventional robustness of the dimensions of a code.

    robustness: (D, K), at most 1, a row of 0 for a constant dimension.
    spread: (D,) the largest deviation of each dimension, its weight.
    factor: (D,) the best factor of each dimension.
    score: weighted mean of the best.
    """

    robustness: np.ndarray
    spread: np.ndarray
    factor: np.ndarray
    score: float


def irs(codes: np.ndarray, factors: np.ndarray, *, quantile: float = 0.99, bins: int = 20) -> InterventionalRobustness:
    """Measure interventional robustness: whether a dimension stays when the other factors change (Suter et al. 2019).

        IRS_dk = 1 - mean_v q(|z_d - E[z_d | v_k = v]| given v_k = v) / max_n |z_nd - E[z_d]|
        score = sum_d s_d max_k IRS_dk / sum_d s_d,    s_d = max_n |z_nd - E[z_d]|

    q is the given quantile over images (1.0: the maximum, as in the paper), the mean is over the values that occur.
    Factors are put into `bins` bins first, as in disentanglement_lib. Constant dimensions are left out.

    codes: (N, D); factors: (N, K) whole numbers from 0.
    """
    codes, factors = table(codes, factors)
    spread = np.where(np.ptp(codes, 0) > 0, np.abs(codes - codes.mean(0)).max(0), 0)
    strays = np.stack([_strays(codes, v, quantile) for v in binned(factors, bins).T], 1)
    alive = spread > 0
    robust = np.zeros_like(strays)
    robust[alive] = 1 - strays[alive] / spread[alive, None]
    score = float(spread @ robust.max(1) / spread.sum()) if alive.any() else 0.0
    return InterventionalRobustness(robust, spread, robust.argmax(1), score)


def _strays(codes: np.ndarray, values: np.ndarray, quantile: float) -> np.ndarray:
    """Return the quantile of the distance from the mean of all with the same value, mean over values: (D,)."""
    order = order_of(values)
    groups = np.split(codes[order], np.flatnonzero(np.diff(values[order])) + 1)
    return np.mean([np.quantile(np.abs(g - g.mean(0)), quantile, axis=0) for g in groups], axis=0)
