"""Losses on distributions over codes."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from unbraid import Gaussian, loss


@loss
def kl(q: Gaussian, *, per: Literal["image", "number"] = "image") -> Tensor:
    """KL(q || N(0, I)) = 1/2 sum_j (mu_j^2 + sigma_j^2 - log sigma_j^2 - 1)  (Kingma & Welling 2014, appendix B).

    q: Gaussian over (B, D) or (B, D, h, w).
    per: "image" sums over an image's code; "number" averages over it, as pixel losses do that are means (UNIT's code).

    Returns a scalar in nats, the mean over the batch.  Raises ValueError for any other `per`.
    """
    if per not in ("image", "number"):
        raise ValueError(f"kl is per 'image' or per 'number'; this is {per!r}")
    return q.kl().sum() / len(q.logvar) if per == "image" else q.kl().mean()
