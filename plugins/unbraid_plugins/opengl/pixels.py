"""Some pixels of images, plane by plane: fewer numbers to look up at a time, and none to lay out anew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor


def covered(ids: Tensor) -> Tensor:
    """The places (N,) among B * H * W of the pixels of ids (B, H, W) that see a face."""
    seen = (ids >= 0).flatten()
    if seen.device.type == "cpu":                  # torch takes four times as long
        return torch.from_numpy(np.flatnonzero(seen.numpy()))
    return seen.nonzero().squeeze(1)


def places(image: Tensor, pixels: Tensor) -> Iterator[Tensor]:
    """Where in the memory of contiguous images (B, C, H, W) pixels (M,) lie, numbered among B * H * W: C times (M,).

    >>> [place.tolist() for place in places(torch.zeros(2, 3, 1, 2), torch.tensor([0, 3]))]
    [[0, 7], [2, 9], [4, 11]]
    """
    _, channels, height, width = image.shape
    apart = height * width
    first = pixels if channels == 1 else pixels + (channels - 1) * apart * (pixels // apart)
    return (first + apart * channel if channel else first for channel in range(channels))


def gathered(image: Tensor, pixels: Tensor) -> Tensor:
    """What contiguous images (B, C, H, W) show at pixels (M,): (M, C)."""
    flat = image.view(-1)
    return torch.stack([flat.index_select(0, place) for place in places(image, pixels)]).T


def add(image: Tensor, pixels: Tensor, rows: Tensor) -> Tensor:
    """Contiguous images (B, C, H, W), in place, with rows (M, C) added to pixels (M,)."""
    flat = image.view(-1)
    for place, row in zip(places(image, pixels), rows.unbind(1), strict=True):
        flat.index_add_(0, place, row)
    return image


def scattered(rows: Tensor, pixels: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Images (B, C, H, W) that show rows (M, C) at pixels (M,) of shape (B, H, W), and 0 elsewhere; differentiable."""
    batch, height, width = shape
    image = rows.new_zeros(batch, rows.shape[1], height, width)
    place = torch.cat(list(places(image, pixels)))
    return image.view(-1).index_copy(0, place, rows.T.flatten()).view(image.shape)
