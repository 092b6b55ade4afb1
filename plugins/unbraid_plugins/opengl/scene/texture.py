"""Texture look-up: bilinear, with mipmaps, and by materials."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from unbraid_plugins.opengl.scene.lookup import looked_up
from unbraid_plugins.opengl.scene.materials import Materials


def texels(texture: Tensor, spot: Tensor, sample: Tensor, materials: Materials | None, face: Tensor, *,
           steps: Tensor | None = None, blind: bool = False) -> Tensor:
    """Return bilinear texture values (N, C) at spots (N, 2) of the faces (N,), in the samples (N,) of the batch.

    steps: (N, 2, 2), for mipmaps.
    blind: zeros are enough, where only the gradients are wanted.
    """
    if materials is None:
        return sampled(texture, spot, sample, blind=blind) if steps is None else mipmapped(texture, spot, sample, steps)
    which = materials.of[face]
    if steps is None:
        return looked_up(texture, spot, sample, materials.boxes[which], materials.wraps[which],
                         materials.nearest[which])
    found = texture.new_zeros(len(spot), texture.shape[1])
    for number in which.unique().tolist():
        here = (which == number).nonzero().squeeze(1)
        left, top, width, height = materials.boxes[number].tolist()
        picture = texture[..., top:top + height, left:left + width]
        found = found.index_copy(0, here, mipmapped(picture, spot[here], sample[here], steps[here],
                                                    materials.wraps[number], materials.nearest[number]))
    return found


def spots(uv: Tensor) -> Tensor:
    """Return texture coordinates (..., 2) as spots for `sampled`.

    Texture coordinates are (0, 0) at the lower left and (1, 1) at the upper right. Spots are from -1 to 1, to the right
    and down. The map is linear, so corners are turned into spots rather than pixels.
    """
    return uv * uv.new_tensor([2, -2]) + uv.new_tensor([-1, 1])


def sampled(texture: Tensor, spot: Tensor, sample: Tensor, *, blind: bool = False) -> Tensor:
    """Return bilinear texture values (N, C) at spots (N, 2) of the samples (N,) of the batch.

    Beyond the border, the border's values continue.

    texture: (B or 1, C, h, w), row 0 on top; blind: return zeros, where only the gradients are wanted.
    """
    batch, channels, height, width = texture.shape
    if not len(spot):
        return texture.new_zeros(0, channels)
    if batch > 1:                                  # stack them; limited to texels' centres they do not mix
        texture = texture.transpose(0, 1).reshape(1, channels, batch * height, width)
        x, y = spot.unbind(1)
        y = y.clamp(1 / height - 1, 1 - 1 / height)
        spot = torch.stack([x, (y + 2 * sample + 1) / batch - 1], 1)
    found = _Blind.apply(texture, spot[None, None]) if blind else functional.grid_sample(
        texture, spot[None, None], align_corners=False, padding_mode="border")
    return found.view(channels, -1).T


class _Blind(torch.autograd.Function):
    """The gradients of `grid_sample` without its values: zeros are in their place."""

    @staticmethod
    def forward(ctx: Any, texture: Tensor, spot: Tensor) -> Tensor:
        ctx.save_for_backward(texture, spot)
        return texture.new_zeros(()).expand(len(texture), texture.shape[1], *spot.shape[1:3])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        bilinear, border = 0, 1
        needed = list(ctx.needs_input_grad)
        of_texture, of_spot = torch.ops.aten.grid_sampler_2d_backward(
            slope, *ctx.saved_tensors, bilinear, border, False, needed)
        return of_texture if needed[0] else None, of_spot


def halved(texture: Tensor) -> Tensor:
    """Return a texture (..., w) with half as many columns, rounded up, each the mean of what it covers.

    Of 2 n + 1 columns each of the n + 1 new ones covers a bit less than two, in shares that differ from place to place.

    >>> halved(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0], dtype=torch.double)).tolist()
    [1.4, 3.0, 4.6]
    """
    width = texture.shape[-1]
    half = width // 2
    if width == 2 * half:
        return (texture[..., 0::2] + texture[..., 1::2]) / 2
    place = torch.arange(half + 1, dtype=texture.dtype, device=texture.device)
    before, after = functional.pad(texture[..., 1::2], (1, 0)), functional.pad(texture[..., 1::2], (0, 1))
    return (place * before + (half + 1) * texture[..., 0::2] + (half - place) * after) / width


def mipmapped(texture: Tensor, spot: Tensor, sample: Tensor, steps: Tensor, wrap: Tensor | None = None,
              nearest: Tensor | None = None) -> Tensor:
    """Return trilinear texture values (N, C), between the two best levels of a mipmap (Williams 1983).

    steps: (N, 2, 2), the change of the spots to the next column and the next row of the image.
    wrap: (2,), how the texture continues beyond its border, as `Materials` has it; None continues the border.
    nearest: (), whether the texels of the texture itself are not interpolated, as `Materials` has it.

    The longer change, in texels, decides the level. Gradients reach texture and spots, not the level.
    """
    height, width = texture.shape[2:]
    texels = steps.detach() * steps.new_tensor([width / 2, height / 2])
    levels = [texture]
    while max(levels[-1].shape[2:]) > 1:
        levels.append(halved(halved(levels[-1]).mT).mT)
    level = texels.square().sum(2).amax(1).clamp_min(1).log2().mul(0.5).clamp_max(len(levels) - 1)
    found = texture.new_zeros(len(spot), texture.shape[1])
    for number, table in enumerate(levels):
        share = 1 - (level - number).abs()
        here = (share > 0).nonzero().squeeze(1)
        if len(here):
            values = sampled(table, spot[here], sample[here]) if wrap is None else _wrapped(
                table, spot[here], sample[here], wrap, nearest if number == 0 else None)
            found = found.index_add(0, here, share[here, None].to(values) * values)
    return found


def _wrapped(texture: Tensor, spot: Tensor, sample: Tensor, wrap: Tensor, nearest: Tensor | None) -> Tensor:
    height, width = texture.shape[2:]
    return looked_up(texture, spot, sample, wrap.new_tensor([[0, 0, width, height]]), wrap[None],
                     None if nearest is None else nearest[None])
