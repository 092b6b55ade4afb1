"""How much a variational code tells."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric


@attrs.frozen(eq=False)
class KlPerNumber:
    """kl: (D,) nats, mean over images; active: the numbers with more than the threshold; score: their sum, in nats."""

    kl: np.ndarray
    active: list[int]
    score: float


@metric
def kl_per_number(kl: np.ndarray, *, threshold: float = 0.01) -> KlPerNumber:
    """KL(q(z_d | x) || N(0, 1)) of every number of a variational code, mean over images; near 0 it tells nothing.

    kl: (N, D) nats.
    """
    means = np.asarray(kl, np.float64).mean(0)
    return KlPerNumber(means, np.flatnonzero(means > threshold).tolist(), float(means.sum()))
