"""Some pixels of images, plane by plane: fewer numbers to look up at a time, and none to lay out anew."""

from __future__ import annotations

from typing import Any

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


def channels(image: Tensor, pixels: Tensor, sample: Tensor | None = None) -> tuple[list[Tensor], Tensor]:
    """Views of the memory of contiguous images (B, C, H, W), one by channel, and where in each the pixels (M,) are.

    pixels: numbered among B * H * W; sample: which images they are of, (M,), where that is known: it saves a division.

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
    """What contiguous images (B, C, H, W) show at pixels (M,): (M, C)."""
    views, place = channels(image, pixels, sample)
    return torch.stack([view.index_select(0, place) for view in views]).T


def add(image: Tensor, pixels: Tensor, rows: Tensor) -> Tensor:
    """Contiguous images (B, C, H, W), in place, with rows (M, C) added to pixels (M,)."""
    views, place = channels(image, pixels)
    for view, row in zip(views, rows.unbind(1), strict=True):
        view.index_add_(0, place, row)
    return image


def scattered(rows: Tensor, pixels: Tensor, shape: tuple[int, int, int], sample: Tensor | None = None) -> Tensor:
    """Images (B, C, H, W) that show rows (M, C) at pixels (M,) of shape (B, H, W), and 0 elsewhere; differentiable."""
    return _Scattered.apply(rows, pixels, shape, sample)                       


class _Scattered(torch.autograd.Function):
    """The way back gathers."""

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
