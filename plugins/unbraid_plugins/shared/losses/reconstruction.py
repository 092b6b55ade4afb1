"""Losses between two images, pixel by pixel (or between any two values of one shape)."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional

from unbraid import loss


@loss
def mse(image: Tensor, target: Tensor) -> Tensor:
    """Mean squared error:  mean (y - x)^2 over batch and elements.

    image, target: any one shape, (B, ...).  Returns a scalar.  Raises ValueError where the shapes differ.
    """
    same_shape("mse", image, target)
    return functional.mse_loss(image, target)


@loss
def l1(image: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error:  mean |y - x| over batch and elements.

    image, target: any one shape, (B, ...).  Returns a scalar.  Raises ValueError where the shapes differ.
    """
    same_shape("l1", image, target)
    return (image - target).abs().mean()


@loss
def bernoulli(logits: Tensor, image: Tensor) -> Tensor:
    """Negative log-likelihood of independent Bernoulli pixels (Kingma & Welling 2014, appendix C.1), in nats per image.

    -sum_pixels [ x log p + (1 - x) log(1 - p) ]  with  p = sigmoid(logits).  Pixels are summed, not averaged; weights
    of other terms (beta) are relative to this scale.

    logits: (B, C, H, W), unbounded; image: (B, C, H, W) in [0, 1].  Returns a scalar, the mean over the batch.
    Raises ValueError where the shapes differ.
    """
    same_shape("bernoulli", logits, image)
    return functional.binary_cross_entropy_with_logits(logits, image, reduction="sum") / len(image)


@loss
def gaussian_nll(image: Tensor, target: Tensor, *, std: float = 1.0) -> Tensor:
    """Negative log-likelihood of independent normal pixels (Kingma & Welling 2014, appendix C.2), in nats per image.

    sum_pixels [ (x - y)^2 / (2 std^2) + log std + log(2 pi) / 2 ].

    image: the mean y, (B, ...).
    target: x, (B, ...).
    std: of every pixel, > 0.

    Returns a scalar, the mean over the batch.  Raises ValueError where the shapes differ or std is not positive.
    """
    same_shape("gaussian_nll", image, target)
    if std <= 0:
        raise ValueError(f"gaussian_nll needs a positive std; it is {std}")
    per_pixel = (image - target).square() / (2 * std**2) + math.log(std) + 0.5 * math.log(2 * math.pi)
    return per_pixel.sum() / len(image)


@loss
def laplace_nll(image: Tensor, target: Tensor, *, scale: float = 1.0) -> Tensor:
    """Negative log-likelihood of independent Laplace pixels, in nats per image: sharper edges than with normal ones.

    sum_pixels [ |x - y| / scale + log(2 scale) ].

    image: the median y, (B, ...).
    target: x, (B, ...).
    scale: of every pixel, > 0.

    Returns a scalar, the mean over the batch.  Raises ValueError where the shapes differ or scale is not positive.
    """
    same_shape("laplace_nll", image, target)
    if scale <= 0:
        raise ValueError(f"laplace_nll needs a positive scale; it is {scale}")
    return ((image - target).abs() / scale + math.log(2 * scale)).sum() / len(image)


def _check_mask(loss_name: str, image: Tensor, mask: Tensor) -> None:
    whole = tuple(image.shape)
    one_channel = (whole[0], 1, *whole[2:])
    if tuple(mask.shape) not in (whole, one_channel):
        raise ValueError(f"{loss_name} takes a mask of shape {one_channel} or {whole}; this is {tuple(mask.shape)}")


@loss
def masked_mse(image: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error of masked images (Shu et al. 2017, foreground term):  mean (m y - m x)^2 over all elements.

    image, target: (B, C, H, W); mask: (B, 1, H, W) or (B, C, H, W) in [0, 1].  Returns a scalar.
    Raises ValueError where the shapes do not fit.
    """
    same_shape("masked_mse", image, target)
    _check_mask("masked_mse", image, mask)
    return (mask * (image - target)).square().mean()


@loss
def masked_l1(image: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error of masked images:  mean |m y - m x| over all elements.

    image, target: (B, C, H, W); mask: (B, 1, H, W) or (B, C, H, W) in [0, 1].  Returns a scalar.
    Raises ValueError where the shapes do not fit.
    """
    same_shape("masked_l1", image, target)
    _check_mask("masked_l1", image, mask)
    return (mask * (image - target)).abs().mean()


@loss
def smooth(image: Tensor) -> Tensor:
    """Total variation per element (Rudin, Osher, Fatemi 1992; Shu et al. 2017):  (sum |dx| + sum |dy|) / (B C H W).

    image: (B, C, H, W).  Returns a scalar.  Raises ValueError for any other number of dimensions.
    """
    if image.ndim != 4:
        raise ValueError(f"smooth takes images (B, C, H, W); this has shape {tuple(image.shape)}")
    return (image.diff(dim=-1).abs().sum() + image.diff(dim=-2).abs().sum()) / image.numel()


@loss
def mean(value: Tensor) -> Tensor:
    """Mean over batch and elements, for example of FactorVAE's density ratio:  mean (v).

    value: (B, ...).  Returns a scalar.
    """
    return value.mean()


def same_shape(loss: str, a: Tensor, b: Tensor) -> None:
    """Raise ValueError, with both shapes, unless they are equal."""
    if a.shape != b.shape:
        raise ValueError(f"{loss} compares values of one shape; these are {tuple(a.shape)} and {tuple(b.shape)}")
