"""Images whose outlines move smoothly with the surface."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid_plugins.opengl.silhouettes import Crossings


def antialiased(image: Tensor, outline: Crossings, tips: Tensor) -> Tensor:
    """Blend the two pixels of every crossing by how much of each the surface covers: rows (B * H * W, C), in place.

    A surface that reaches r > 1/2 from the inner pixel covers r - 1/2 of the outer one; with r < 1/2, what is behind it
    covers 1/2 - r of the inner one. Linear in r in both cases, so the gradient is that of the covered area times the
    difference of the two pixels. Tips (T, C) are what the surface looks like at the crossings whose inner pixel does
    not see it: they add r - 1/2 of it, or take it away. Every pixel stays a mean of pixels and tips.
    """
    if not len(outline.reach):
        return image
    out = outline.reach > 0.5
    target = torch.where(out, outline.outer, outline.inner)
    other = torch.where(out, outline.inner, outline.outer)
    share = (outline.reach - 0.5).to(image.dtype)
    if len(tips) == 0:
        return _blended(image, target, other, share.abs())[0]
    seen, alone = outline.covered.nonzero().squeeze(1), (~outline.covered).nonzero().squeeze(1)
    pixel, place = target[alone].unique(return_inverse=True)
    crisp = image[pixel]
    blended, total = _blended(image, target[seen], other[seen], share[seen].abs())
    weight = share.new_zeros(len(pixel)).index_add(0, place, share[alone])
    free = 1 - total[pixel].detach().clamp_max(1)
    weight = weight + (weight.detach().clamp_min(0).minimum(free) - weight.detach())   # the gradient goes on
    part = share[alone].detach().abs() + 1e-6
    part = part / part.new_zeros(len(pixel)).index_add(0, place, part)[place]
    colour = tips.new_zeros(len(pixel), tips.shape[1]).index_add(0, place, part[:, None] * tips)
    return blended.index_add_(0, pixel, weight[:, None] * (colour - crisp))


def _blended(image: Tensor, target: Tensor, other: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Add shares of the other pixels to their targets, at most one in all; and how much that was, per pixel."""
    total = share.new_zeros(len(image)).index_add_(0, target, share.detach())
    share = share / total[target].clamp_min(1)
    return image.index_add_(0, target, share[:, None] * (image[other] - image[target])), total
