"""Some pixels of images, plane by plane."""

from __future__ import annotations

import torch
from torch import Tensor


def places(shape: tuple[int, ...] | torch.Size, pixels: Tensor) -> Tensor:
    """Where in the memory of images (B, C, H, W) pixels (M,) lie that are numbered among B * H * W: (C, M).

    >>> places((2, 3, 1, 2), torch.tensor([0, 3]))
    tensor([[ 0,  7],
            [ 2,  9],
            [ 4, 11]])
    """
    _, channels, height, width = shape
    apart = height * width
    first = pixels + (channels - 1) * apart * (pixels // apart)
    return first + apart * torch.arange(channels, device=pixels.device)[:, None]


def gathered(image: Tensor, pixels: Tensor) -> Tensor:
    """What contiguous images (B, C, H, W) show at pixels (M,): (M, C)."""
    return image.view(-1).index_select(0, places(image.shape, pixels).flatten()).reshape(image.shape[1], -1).T
