"""Squares of vertices as sheets and balls. A ball is a square that is folded around the sphere and sewn together."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from unbraid_plugins.opengl.scene.topology import Topology, welding

Form = Literal["sheet", "ball"]


@lru_cache(maxsize=32)
def places(side: int) -> Tensor:
    """Return the vertices' places in the square: (2, side, side), to the right and up, in [-1, 1]; row 0 is on top."""
    along = torch.linspace(-1, 1, side, dtype=torch.float64)
    return torch.stack([along.expand(side, side), -along[:, None].expand(side, side)])


@lru_cache(maxsize=32)
def unit_ball(side: int) -> Tensor:
    """Return the unit sphere as a folded square, (3, side, side): the middle faces +z, the four corners meet at -z.

    The octahedral map (Praun & Hoppe 2003): the inner half of the square is the front, the outer one the back.
    """
    x, y = places(side)
    z = 1 - x.abs() - y.abs()
    out = (-z).clamp_min(0)
    return torch.nn.functional.normalize(torch.stack([x - out * _sign(x), y - out * _sign(y), z]), dim=0)


@lru_cache(maxsize=32)
def topology(form: Form, side: int) -> Topology:
    """Return two triangles for every cell of the grid, counter-clockwise seen from +z; a ball's border is welded."""
    index = torch.arange(side * side).reshape(side, side)
    a, b, c, d = (t.flatten() for t in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    falling, rising = ([a, b, c, a, c, d], [a, b, d, b, c, d])
    faces = torch.stack(falling, 1)
    if form == "sheet":
        return Topology(faces.reshape(-1, 3))
    centre = places(side).unfold(1, 2, 1).unfold(2, 2, 1).mean((-1, -2)).prod(0).flatten()
    faces = torch.where((centre > 0)[:, None], faces, torch.stack(rising, 1))       # no edge across the folds
    ball = unit_ball(side).flatten(1).T
    return Topology(faces.reshape(-1, 3), welded=welding((ball * 1e6).round() + 0.0))


def closed(maps: Tensor) -> Tensor:
    """Make the borders of a map (B, C, N, N) on the ball agree where they meet: average each side with its mirror."""
    top, bottom = (0.5 * (row + row.flip(3)) for row in (maps[:, :, :1], maps[:, :, -1:]))
    maps = torch.cat([top, maps[:, :, 1:-1], bottom], 2)
    left, right = (0.5 * (column + column.flip(2)) for column in (maps[..., :1], maps[..., -1:]))
    return torch.cat([left, maps[..., 1:-1], right], 3)


def padded(maps: Tensor, form: Form, by: int) -> Tensor:
    """Pad a map (B, C, N, N): on a sheet with its border, on a ball with the other half of the same side."""
    if form == "sheet":                            # compiled, torch's "replicate" fails in the backward pass (2.11)
        maps = torch.cat([maps[:, :, :1].expand(-1, -1, by, -1), maps, maps[:, :, -1:].expand(-1, -1, by, -1)], 2)
        return torch.cat([maps[..., :1].expand(-1, -1, -1, by), maps, maps[..., -1:].expand(-1, -1, -1, by)], 3)
    maps = torch.cat([maps[:, :, 1:by + 1].flip(2, 3), maps, maps[:, :, -by - 1:-1].flip(2, 3)], 2)
    return torch.cat([maps[..., 1:by + 1].flip(2, 3), maps, maps[..., -by - 1:-1].flip(2, 3)], 3)


def blurred(maps: Tensor, form: Form, sigma: float) -> Tensor:
    """Blur a map (B, C, N, N) with a Gaussian kernel, sigma in steps of the grid; it reaches at most N - 1 steps."""
    reach = min(max(1, round(3 * sigma)), maps.shape[-1] - 1)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=maps.device, dtype=maps.dtype) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(maps.shape[1], 1, 1, -1)
    maps = padded(maps, form, reach)
    maps = torch.nn.functional.conv2d(maps, kernel, groups=maps.shape[1])
    return torch.nn.functional.conv2d(maps, kernel.mT, groups=maps.shape[1])


def _sign(x: Tensor) -> Tensor:
    return torch.where(x < 0, -1.0, 1.0).to(x.dtype)
