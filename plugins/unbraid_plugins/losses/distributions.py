"""Losses on distributions over codes."""

from __future__ import annotations

from torch import Tensor

from unbraid import Gaussian, loss


@loss
def kl(q: Gaussian) -> Tensor:
    """KL(q || N(0, I)) = 1/2 sum_j (mu_j^2 + sigma_j^2 - log sigma_j^2 - 1)  (Kingma & Welling 2014, appendix B).

    q: Gaussian over (B, D) or (B, D, h, w).  Returns a scalar in nats: the sum over dimensions, the mean over batch.
    """
    return q.kl().sum() / len(q.logvar)
