"""Penalty on the covariance of the code (Kumar, Sattigeri, Balakrishnan, DIP-VAE, ICLR 2018)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from unbraid import Gaussian, loss
from unbraid.values import records as values


@loss
def dip(q: Gaussian, *, off: float, diag: float, type: Literal["I", "II"] = "I") -> Tensor:
    """Distance of the code's covariance C from the identity (Kumar et al. 2018, eq. 6 and 7):

        off sum_{i != j} C_ij^2  +  diag sum_i (C_ii - 1)^2.

    Type I: C = Cov[mu]; type II: C = Cov[mu] + E[diag sigma^2], the covariance of q(z).  Expectations are means over
    the batch (covariances divided by B), so a small batch is a noisy estimate.

    q: Gaussian over (B, D).
    off, diag: lambda_od and lambda_d; the study has diag = 10 off for type I, diag = off for II.

    Returns a scalar.  Raises ValueError for codes that are not (B, D).
    """
    mean = values.plain(q.mean)
    if mean.ndim != 2:
        raise ValueError(f"dip takes a Gaussian over codes (B, D); this is over {tuple(mean.shape)}")
    exact = torch.promote_types(mean.dtype, torch.float32)
    centred = mean.to(exact) - mean.to(exact).mean(0)
    covariance = (centred.unsqueeze(2) * centred.unsqueeze(1)).mean(0)      # (D, D)
    if type == "II":
        covariance = covariance + q.logvar.to(exact).exp().mean(0).diag()
    variances = covariance.diagonal()
    return off * (covariance - variances.diag()).square().sum() + diag * (variances - 1).square().sum()
