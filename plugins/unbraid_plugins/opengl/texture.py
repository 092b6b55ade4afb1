"""Looking up textures."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid_plugins.opengl.rows import rows


def sampled(texture: Tensor, uv: Tensor, sample: Tensor) -> Tensor:
    """Bilinear texture values (N, C) at uv (N, 2) of the samples (N,) of the batch.

    texture: (B or 1, C, h, w), row 0 on top; uv: (0, 0) is the lower left corner of the texture, (1, 1) the upper
    right; beyond them the border goes on.
    """
    batch, channels, height, width = texture.shape
    x = (uv[:, 0] * width - 0.5).clamp(0, width - 1)
    y = ((1 - uv[:, 1]) * height - 0.5).clamp(0, height - 1)
    left, top = x.detach().floor().long(), y.detach().floor().long()
    right, bottom = (left + 1).clamp_max(width - 1), (top + 1).clamp_max(height - 1)
    s, t = (x - left)[:, None], (y - top)[:, None]
    texels = texture.permute(0, 2, 3, 1).reshape(-1, channels)
    first = height * width * sample if batch > 1 else torch.zeros_like(sample)
    above = (1 - s) * rows(texels, first + top * width + left) + s * rows(texels, first + top * width + right)
    below = (1 - s) * rows(texels, first + bottom * width + left) + s * rows(texels, first + bottom * width + right)
    return (1 - t) * above + t * below
