"""The mutual information gap."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid_plugins.shared.metrics.bootstrap import NONE
from unbraid_plugins.shared.metrics.disentanglement.factor_table import table
from unbraid_plugins.shared.metrics.disentanglement.mutual_information import (
    entropy,
    mutual_information,
    resampled_information,
)


@attrs.frozen(eq=False)
class InformationGap:
    """Mutual information gaps of factors.

    information: (D, K) nats.
    entropy: (K,) nats, of the factors.
    gap: (K,) in [0, 1].
    score: mean gap.
    resampled: hidden, the scores of bootstrap resamples.
    """

    information: np.ndarray
    entropy: np.ndarray
    gap: np.ndarray
    score: float
    resampled: np.ndarray = attrs.field(default=NONE, repr=False, metadata={"hidden": True})


def mig(codes: np.ndarray, factors: np.ndarray, *, bins: int = 20, resamples: int = 0, seed: int = 0) -> InformationGap:
    """Return the mutual information gap between a factor's two most informative dimensions (Chen et al. 2018, eq. 6):

        MIG = 1/K sum_k (I(z_j(k); v_k) - max_{d != j(k)} I(z_d; v_k)) / H(v_k),    j(k) = argmax_d I(z_d; v_k)

    The information is counted between binned dimensions and factors (Locatello et al. 2019). With 20 bins, a perfect
    code of a factor with more than 20 values has less than 1: on dSprites about 0.9. A factor spread over several
    dimensions, or known twice, has no gap. A factor with one value has gap 0.

    codes: (N, D).
    factors: (N, K) whole numbers from 0.
    resamples: the number of bootstrap resamples over images.

    >>> v = np.stack(np.meshgrid([0, 1], [0, 1, 2]), -1).reshape(-1, 2)
    >>> round(mig(v, v).score, 6), round(mig(v.sum(1, keepdims=True), v).score, 3)
    (1.0, 0.456)
    """
    codes, factors = table(codes, factors)
    matrix = mutual_information(codes, factors, bins)
    entropies = np.asarray([entropy(v) for v in factors.T])
    gap = _gaps(matrix, entropies)
    again = [_gaps(m, h).mean() for m, h in resampled_information(codes, factors, bins, resamples, seed)]
    return InformationGap(matrix, entropies, gap, float(gap.mean()), np.asarray(again))


def _gaps(information: np.ndarray, entropies: np.ndarray) -> np.ndarray:
    """Return the gap of each factor: (D, K), (K,) -> (K,)."""
    ordered = np.sort(np.concatenate([np.zeros((1, len(entropies))), information]), axis=0)
    return np.divide(ordered[-1] - ordered[-2], entropies, out=np.zeros(len(entropies)), where=entropies > 0)
