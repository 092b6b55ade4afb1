"""Gather and scatter some pixels of images, plane by plane.

Plane by plane, fewer numbers are looked up at a time, and no copy in another layout is needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


def covered(ids: Tensor) -> tuple[Tensor, Tensor]:
    """Return the pixels (N,) of ids (B, H, W) that see a face, in order: places among B * H * W, and images."""
    seen, apart = (ids >= 0).flatten(), ids[:1].numel()
    if seen.device.type == "cpu":                  # torch takes four times as long
        pixel = torch.from_numpy(np.flatnonzero(seen.numpy()))
    else:
        pixel = seen.nonzero().squeeze(1)
    images = torch.arange(len(ids), device=ids.device)
    counts = torch.searchsorted(pixel, (images + 1) * apart).diff(prepend=pixel.new_zeros(1))
    return pixel, images.repeat_interleave(counts, output_size=len(pixel))


def channels(image: Tensor, pixels: Tensor, sample: Tensor | None = None) -> tuple[list[Tensor], Tensor]:
    """Return views of contiguous images (B, C, H, W), one per channel, and the places of the pixels (M,) in each view.

    pixels: numbered among B * H * W.
    sample: the pixels' images, (M,), where they are known, which saves a division.

    >>> views, place = channels(torch.arange(12).reshape(2, 3, 1, 2), torch.tensor([0, 3]))
    >>> [view[place].tolist() for view in views]
    [[0, 7], [2, 9], [4, 11]]
    """
    _, count, height, width = image.shape
    apart, flat = height * width, image.view(-1)
    views = [flat[apart * channel:] for channel in range(count)]
    if count == 1:
        return views, pixels
    return views, pixels + (count - 1) * apart * (pixels // apart if sample is None else sample)


def gathered(image: Tensor, pixels: Tensor, sample: Tensor | None = None) -> Tensor:
    """Return the values of contiguous images (B, C, H, W) at pixels (M,): (M, C)."""
    views, place = channels(image, pixels, sample)
    return torch.stack([view.index_select(0, place) for view in views]).T


def add(image: Tensor, pixels: Tensor, rows: Tensor) -> Tensor:
    """Add rows (M, C) to the pixels (M,) of contiguous images (B, C, H, W), in place, and return the images."""
    views, place = channels(image, pixels)
    for view, row in zip(views, rows.unbind(1), strict=True):
        view.index_add_(0, place, row)
    return image


def scattered(rows: Tensor, pixels: Tensor, shape: tuple[int, int, int], sample: Tensor | None = None) -> Tensor:
    """Return images (B, C, H, W) with rows (M, C) at pixels (M,) of shape (B, H, W), 0 elsewhere; differentiable."""
    return _Scattered.apply(rows, pixels, shape, sample)                       


class _Scattered(torch.autograd.Function):
    """Scattering whose backward pass gathers."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, pixels: Tensor, shape: tuple[int, int, int], sample: Tensor | None) -> Tensor:
        ctx.save_for_backward(pixels, sample)
        batch, height, width = shape
        image = rows.new_zeros(batch, rows.shape[1], height, width)
        views, place = channels(image, pixels, sample)
        for view, row in zip(views, rows.unbind(1), strict=True):
            view.index_copy_(0, place, row)
        return image

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        return gathered(slope.contiguous(), *ctx.saved_tensors), None, None, None
