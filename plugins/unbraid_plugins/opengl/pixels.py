"""Some pixels of images, plane by plane: fewer numbers to look up at a time, and none to lay out anew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor


def covered(ids: Tensor) -> tuple[Tensor, Tensor]:
    """The pixels (N,) of ids (B, H, W) that see a face, in order: their places among B * H * W, and their images."""
    seen, apart = (ids >= 0).flatten(), ids[:1].numel()
    if seen.device.type == "cpu":                  # torch takes four times as long
        pixel = torch.from_numpy(np.flatnonzero(seen.numpy()))
    else:
        pixel = seen.nonzero().squeeze(1)
    images = torch.arange(len(ids), device=ids.device)
    counts = torch.searchsorted(pixel, (images + 1) * apart).diff(prepend=pixel.new_zeros(1))
    return pixel, images.repeat_interleave(counts, output_size=len(pixel))


def places(image: Tensor, pixels: Tensor, sample: Tensor | None = None) -> Iterator[Tensor]:
    """Where in the memory of contiguous images (B, C, H, W) pixels (M,) lie, numbered among B * H * W: C times (M,).

    sample: which images they are of, (M,), where that is known: it saves a division.

    >>> [place.tolist() for place in places(torch.zeros(2, 3, 1, 2), torch.tensor([0, 3]))]
    [[0, 7], [2, 9], [4, 11]]
    """
    _, channels, height, width = image.shape
    apart = height * width
    first = pixels
    if channels > 1:
        first = pixels + (channels - 1) * apart * (pixels // apart if sample is None else sample)
    return (first + apart * channel if channel else first for channel in range(channels))


def gathered(image: Tensor, pixels: Tensor, sample: Tensor | None = None) -> Tensor:
    """What contiguous images (B, C, H, W) show at pixels (M,): (M, C)."""
    flat = image.view(-1)
    return torch.stack([flat.index_select(0, place) for place in places(image, pixels, sample)]).T


def add(image: Tensor, pixels: Tensor, rows: Tensor) -> Tensor:
    """Contiguous images (B, C, H, W), in place, with rows (M, C) added to pixels (M,)."""
    flat = image.view(-1)
    for place, row in zip(places(image, pixels), rows.unbind(1), strict=True):
        flat.index_add_(0, place, row)
    return image


def scattered(rows: Tensor, pixels: Tensor, shape: tuple[int, int, int], sample: Tensor | None = None) -> Tensor:
    """Images (B, C, H, W) that show rows (M, C) at pixels (M,) of shape (B, H, W), and 0 elsewhere; differentiable."""
    batch, height, width = shape
    image = rows.new_zeros(batch, rows.shape[1], height, width)
    place = torch.cat(list(places(image, pixels, sample)))
    return image.view(-1).index_copy(0, place, rows.T.flatten()).view(image.shape)
