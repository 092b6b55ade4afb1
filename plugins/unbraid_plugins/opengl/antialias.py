"""Images whose outlines move smoothly with the surface."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid_plugins.opengl.silhouettes import Crossings


def antialiased(image: Tensor, outline: Crossings) -> Tensor:
    """Blend the two pixels of every crossing by how much of each the surface covers: (B, C, H, W) -> the same.

    A surface that reaches r > 1/2 from the inner pixel covers r - 1/2 of the outer one; with r < 1/2, what is behind it
    covers 1/2 - r of the inner one. Linear in r in both cases, so the gradient is that of the covered area times the
    difference of the two pixels. Every pixel stays a mean of pixels.
    """
    batch, channels, height, width = image.shape
    flat = image.permute(0, 2, 3, 1).reshape(-1, channels)
    if not len(outline.reach):
        return image
    out = outline.reach > 0.5
    target = torch.where(out, outline.outer, outline.inner)
    other = torch.where(out, outline.inner, outline.outer)
    share = (outline.reach - 0.5).abs().to(image.dtype)
    total = share.new_zeros(len(flat)).index_add(0, target, share)
    share = share / total[target].clamp_min(1)
    blended = flat.index_add(0, target, share[:, None] * (flat[other] - flat[target]))
    return blended.reshape(batch, height, width, channels).permute(0, 3, 1, 2)
