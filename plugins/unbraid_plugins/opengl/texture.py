"""Looking up textures."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def sampled(texture: Tensor, uv: Tensor, sample: Tensor, *, blind: bool = False) -> Tensor:
    """Bilinear texture values (N, C) at uv (N, 2) of the samples (N,) of the batch.

    texture: (B or 1, C, h, w), row 0 on top; uv: (0, 0) is the lower left corner of the texture, (1, 1) the upper
    right; beyond them the border goes on; blind: the values are not wanted, only their gradients.
    """
    batch, channels, height, width = texture.shape
    x = (uv[:, 0] * width).clamp(0.5, width - 0.5)
    y = ((1 - uv[:, 1]) * height).clamp(0.5, height - 0.5)
    if batch > 1:                                  # below each other; between texels' centres they do not mix
        texture = texture.transpose(0, 1).reshape(1, channels, batch * height, width)
        y = y + height * sample
    place = torch.stack([2 * x / width - 1, 2 * y / texture.shape[2] - 1], 1)
    if not len(place):
        return texture.new_zeros(0, channels)
    found = _Blind.apply(texture, place[None, None]) if blind else functional.grid_sample(
        texture, place[None, None], align_corners=False, padding_mode="border")
    return found[0, :, 0].T


class _Blind(torch.autograd.Function):
    """The gradients of `grid_sample` without its values: zeros are in their place."""

    @staticmethod
    def forward(ctx: Any, texture: Tensor, place: Tensor) -> Tensor:
        ctx.save_for_backward(texture, place)
        return texture.new_zeros(()).expand(len(texture), texture.shape[1], *place.shape[1:3])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        bilinear, border = 0, 1
        needed = list(ctx.needs_input_grad)
        of_texture, of_place = torch.ops.aten.grid_sampler_2d_backward(
            slope, *ctx.saved_tensors, bilinear, border, False, needed)
        return of_texture if needed[0] else None, of_place


def mipmapped(texture: Tensor, uv: Tensor, sample: Tensor, steps: Tensor) -> Tensor:
    """Trilinear texture values (N, C): between the two levels of ever coarser means that fit (Williams 1983).

    steps: (N, 2, 2), how uv changes to the next column and the next row of the image; the longer way, in texels, says
    the level. Gradients reach texture and uv, none the level.
    """
    height, width = texture.shape[2:]
    texels = steps.detach() * steps.new_tensor([width, height])
    levels = [texture]
    while min(levels[-1].shape[2:]) > 1:
        levels.append(functional.avg_pool2d(levels[-1], 2, ceil_mode=True, count_include_pad=False))
    level = texels.square().sum(2).amax(1).clamp_min(1).log2().mul(0.5).clamp_max(len(levels) - 1)
    found = texture.new_zeros(len(uv), texture.shape[1])
    for number, table in enumerate(levels):
        share = 1 - (level - number).abs()
        here = (share > 0).nonzero().squeeze(1)
        if len(here):
            values = sampled(table, uv[here], sample[here])
            found = found.index_add(0, here, share[here, None].to(values) * values)
    return found
