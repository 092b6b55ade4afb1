"""The loss on landmarks, and a measure of reconstructed features that does not depend on their scale."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from unbraid import loss
from unbraid_plugins.shared.losses.reconstruction import same_shape


@loss
def landmark_mse(prediction: Tensor, points: Tensor, visible: Tensor) -> Tensor:
    """Mean squared distance of landmarks, over the visible ones:  sum v |p - q|^2 / sum v.

    prediction: (B, n, 2).
    points: the same shape, NaN where unknown.
    visible: (B, n) in [0, 1]; NaN counts as hidden.

    Returns a scalar; 0 if none is visible.  Raises ValueError where the shapes differ.
    """
    same_shape("landmark_mse", prediction, points)
    if visible.shape != prediction.shape[:2]:
        raise ValueError(f"landmark_mse takes a visibility for each point, {tuple(prediction.shape[:2])}; these are "
                         f"{tuple(visible.shape)}")
    known = visible.nan_to_num().to(prediction.dtype) * (~points.isnan()).all(-1)
    squares = (prediction - points.nan_to_num().to(prediction.dtype)).square().sum(-1)
    return (known * squares).sum() / known.sum().clamp(min=torch.finfo(prediction.dtype).tiny)


@loss
def seen(logits: Tensor, visible: Tensor) -> Tensor:
    """Cross-entropy of the visibility of landmarks, over the known ones.

    logits: (B, n), unbounded; visible: (B, n) in [0, 1], NaN where unknown.

    Returns a scalar; 0 if none is known.  Raises ValueError where the shapes differ.
    """
    same_shape("seen", logits, visible)
    known = ~visible.isnan()
    costs = functional.binary_cross_entropy_with_logits(logits, visible.nan_to_num().to(logits.dtype), reduction="none")
    return (costs * known).sum() / known.sum().clamp(min=1)


@loss
def relative_error(prediction: Tensor, feature: Tensor) -> Tensor:
    """Squared error of reconstructed features, relative to their variance in the batch:  |g - e|^2 / |e - mean e|^2.

    0: exact; 1: no better than the mean; it does not fall when all features shrink.

    prediction, feature: (B, d), B > 1.  Returns a scalar.  Raises ValueError where the shapes differ.
    """
    same_shape("relative_error", prediction, feature)
    variance = (feature - feature.mean(0)).square().mean()
    return (prediction - feature).square().mean() / variance.clamp(min=torch.finfo(feature.dtype).tiny)
