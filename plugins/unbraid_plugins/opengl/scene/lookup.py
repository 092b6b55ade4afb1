"""Look-up of pictures that lie on a texture, repeated, mirrored or with their border continued."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid_plugins.opengl.numerics.rows import columns

FARTHEST = 2.0**40                                 # texels: beyond, places are no whole numbers


def looked_up(texture: Tensor, spot: Tensor, sample: Tensor, boxes: Tensor, wraps: Tensor,
              nearest: Tensor | None = None) -> Tensor:
    """Return bilinear values (N, C) of pictures on a texture (B or 1, C, h, w); differentiable.

    boxes, wraps: (N, 4) and (N, 2), or one row for all, as `Materials` has them.
    nearest: (N,), or one for all: where it holds, the value is that of the texel there, and its place has no gradient.
    """
    batch, channels, height, width = texture.shape
    left, top, wide, high = boxes.unbind(1)
    x, y = ((spot[:, i] + 1) * (size.to(spot) / 2) - 0.5 for i, size in ((0, wide), (1, high)))
    across, down = (at.detach().nan_to_num(0, 0, 0).clamp(-FARTHEST, FARTHEST).floor() for at in (x, y))
    x, y = x - across, y - down
    if nearest is not None and bool(nearest.any()):
        x, y = (torch.where(nearest, (share >= 0.5).to(share), share) for share in (x, y))
    column = [left + wrapped(across.long() + step, wide, wraps[:, 0]) for step in (0, 1)]
    row = [top + wrapped(down.long() + step, high, wraps[:, 1]) for step in (0, 1)]
    place = torch.stack([r * width + c for r in row for c in column])
    if batch > 1:
        place = place + sample * (height * width)
    weight = torch.stack([v * u for v in (1 - y, y) for u in (1 - x, x)])
    table = texture.transpose(0, 1).reshape(channels, -1).T
    return (columns(table, place.flatten()).reshape(channels, 4, -1) * weight).sum(1).T


def wrapped(place: Tensor, size: Tensor, wrap: Tensor) -> Tensor:
    """Return the texels that stand at places (N,) of an endless row, by the number of texels and the wrapping (N,).

    >>> wrapped(torch.arange(-2, 5).repeat(3), torch.tensor(3), torch.arange(3).repeat_interleave(7)).reshape(3, 7)
    tensor([[1, 2, 0, 1, 2, 0, 1],
            [0, 0, 0, 1, 2, 2, 2],
            [1, 0, 0, 1, 2, 2, 1]])
    """
    around = place.remainder(2 * size)
    mirrored = torch.minimum(around, 2 * size - 1 - around)
    clamped = torch.minimum(place.clamp_min(0), size - 1)
    return torch.where(wrap == 0, place.remainder(size), torch.where(wrap == 1, clamped, mirrored))
