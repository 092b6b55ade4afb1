"""KL divergences of a variational code, by dimension."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric


@attrs.frozen(eq=False)
class KlPerNumber:
    """KL divergences of a variational code, by dimension.

    kl: (D,) nats, mean over images.
    active: the dimensions with more than the threshold.
    score: the sum of kl, in nats.
    """

    kl: np.ndarray
    active: list[int]
    score: float


@metric(better="neither")
def kl_per_number(kl: np.ndarray, *, threshold: float = 0.01) -> KlPerNumber:
    """Return KL(q(z_d | x) || N(0, 1)) of every dimension of a variational code, mean over images.

    Near 0 a dimension carries no information.

    kl: (N, D) nats.
    """
    means = np.asarray(kl, np.float64).mean(0)
    return KlPerNumber(means, np.flatnonzero(means > threshold).tolist(), float(means.sum()))
