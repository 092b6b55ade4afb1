"""Terms on the KL besides its weight beta (`beta * kl(q)` is Higgins et al. 2017, eq. 4)."""

from __future__ import annotations

from torch import Tensor

from unbraid import Gaussian, loss, operation


@loss
def annealed_kl(q: Gaussian, *, gamma: float = 1000.0, capacity: float) -> Tensor:
    """Distance of the KL to a growing capacity (Burgess et al. 2018, eq. 8):  gamma |KL(q || N(0, I)) - C|.

    q: Gaussian over (B, D).
    gamma: weight, 1000 in the paper.
    capacity: C in nats, in the paper from 0 to 25 over 100,000 steps (`ramp`).

    Returns a scalar. The KL is summed over dimensions and averaged over the batch before the distance is taken.
    """
    return gamma * (q.kl().sum() / len(q.logvar) - capacity).abs()


@operation
def kl_per_dimension(q: Gaussian) -> Tensor:
    """KL of each dimension, for logging: a dimension below 0.01 is not in use (Duan et al. 2020).

    q: Gaussian over (B, D).  Returns (D,), in nats, the mean over the batch.
    """
    return q.kl().mean(0)
