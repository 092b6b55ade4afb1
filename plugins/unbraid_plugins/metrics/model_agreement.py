"""Unsupervised disentanglement ranking as studies call it, with the codes of several models."""

from __future__ import annotations

import numpy as np

from unbraid import metric
from unbraid_plugins.metrics.agreement import Ranking, udr


@metric(name="udr")
def of_models(models_codes: np.ndarray, models_kl: np.ndarray | None = None, *, similarity: str = "lasso",
              threshold: float = 0.01, alpha: float = 0.1) -> Ranking:
    """Unsupervised disentanglement ranking: do models of several seeds find the same numbers (Duan et al. 2020)?"""
    return udr(list(models_codes), None if models_kl is None else list(models_kl), similarity=similarity,
               threshold=threshold, alpha=alpha)
