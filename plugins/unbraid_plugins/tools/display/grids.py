"""Grids of images as one picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

GAP = 2                                            # pixels between images


def grid(rows: Sequence[Tensor], *, gap: int = GAP, scale: int = 1) -> Tensor:
    """Place rows of images (n, C, H, W) on a white picture (C, height, width); enlarge each pixel `scale` times."""
    columns = max(len(r) for r in rows)
    channels, height, width = rows[0].shape[1:]
    rows = [r.float().cpu().repeat_interleave(scale, 2).repeat_interleave(scale, 3) for r in rows]
    height, width = height * scale, width * scale
    page = torch.ones(channels, len(rows) * (height + gap) + gap, columns * (width + gap) + gap)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            y, x = gap + i * (height + gap), gap + j * (width + gap)
            page[:, y:y + height, x:x + width] = image
    return page


def scale_for(image: tuple[int, int, int]) -> int:
    """Return the factor by which to enlarge images of this shape for display."""
    return max(1, 64 // max(image[1:]))
