"""Face numbers without OpenGL: every face on every pixel of its bounding box, vectorised, on any device."""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK = 2**21                                      # pairs of a face and a pixel at a time
NOTHING = 2**63 - 1


def rasterize_torch(clip: Tensor, faces: Tensor, height: int, width: int, cull: bool) -> Tensor:
    """Like `rasterize`.  Coverage by edge functions in homogeneous coordinates (Olano & Greer 1997).

    So a face that passes behind the camera needs no clipping: a pixel sees it where w is positive and z within [-w, w].
    """
    batch, count = len(clip), len(faces)
    if not (batch * height * width * count * clip.shape[1]):
        return torch.full((batch, height, width), -1, device=clip.device)
    corners = clip.detach()[:, faces].reshape(batch * count, 3, 4)
    whole = corners.isfinite().all(-1).all(-1)
    corners = corners.where(whole[:, None, None], corners.new_zeros(()))
    facing = torch.linalg.det(corners[:, :, [0, 1, 3]].double())
    column, row, across, down = _boxes(corners, height, width)
    pairs = across * down * (whole & (facing > 0 if cull else facing != 0))
    kept = pairs.nonzero().squeeze(1)
    corners, facing, column, row, across, pairs = (t[kept] for t in (corners, facing, column, row, across, pairs))
    nearest = torch.full((batch * height * width,), NOTHING, device=clip.device)
    last = pairs.cumsum(0)
    start = 0
    while start < len(kept):
        before = int(last[start - 1]) if start else 0
        stop = max(start + 1, int(torch.searchsorted(last, before + CHUNK, right=True)))
        part = slice(start, stop)
        owner = torch.repeat_interleave(torch.arange(start, stop, device=clip.device), pairs[part])
        number = torch.arange(len(owner), device=clip.device) - (last - pairs)[owner] + before
        c = column[owner] + number % across[owner]
        r = row[owner] + number // across[owner]
        inside, depth = _inside(corners, facing, owner, (2 * c + 1) / width - 1, 1 - (2 * r + 1) / height)
        pixel = (kept[owner] // count * height + r) * width + c
        key = ((depth.double() + 1) * 2**30).long().clamp(0, 2**31 - 1) * 2**32 + kept[owner] % count
        nearest = nearest.scatter_reduce(0, pixel[inside], key[inside], "amin")
        start = stop
    ids = torch.where(nearest == NOTHING, -1, nearest % 2**32)
    return ids.reshape(batch, height, width)


def _inside(corners: Tensor, facing: Tensor, owner: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Whether a pixel at (x, y) sees its face, and its depth z / w in [-1, 1] there; both (N,)."""
    of = corners[owner]
    x, y = x.to(of.dtype)[:, None], y.to(of.dtype)[:, None]
    u, v = of[:, :, 0] - x * of[:, :, 3], of[:, :, 1] - y * of[:, :, 3]
    areas = u.roll(-1, 1) * v.roll(-2, 1) - u.roll(-2, 1) * v.roll(-1, 1)
    areas = areas * facing[owner].sign().to(of.dtype)[:, None]
    z, w = (areas * of[:, :, 2]).sum(1), (areas * of[:, :, 3]).sum(1)
    inside = (areas >= 0).all(1) & (w > 0) & (z.abs() <= w)
    return inside, z / w.where(inside, w.new_ones(()))


def _boxes(corners: Tensor, height: int, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """First column and row, and the numbers of columns and rows that may see each face (N, 3, 4), within the image."""
    other = corners.roll(-1, 1)
    here, there = corners[..., 2] + corners[..., 3], other[..., 2] + other[..., 3]      # above the near plane?
    crosses = (here > 0) != (there > 0)
    t = here / (here - there).where(crosses, here.new_ones(()))
    points = torch.cat([corners, corners + t[..., None] * (other - corners)], 1)
    counts = torch.cat([here > 0, crosses], 1) & (points[..., 3] > 0)
    points = points / points[..., 3:].where(counts[..., None], points.new_ones(()))
    low = points.where(counts[..., None], points.new_full((), torch.inf)).amin(1)
    high = points.where(counts[..., None], points.new_full((), -torch.inf)).amax(1)
    margin = 1e-3
    first_column, last_column = (low[:, 0] + 1) / 2 * width - margin, (high[:, 0] + 1) / 2 * width + margin
    first_row, last_row = (1 - high[:, 1]) / 2 * height - margin, (1 - low[:, 1]) / 2 * height + margin
    column, row = ((t - 0.5).ceil().clamp(0, n).long() for t, n in ((first_column, width), (first_row, height)))
    across, down = (((t - 0.5).floor().clamp(-1, n - 1).long() - start + 1).clamp_min(0)
                    for t, n, start in ((last_column, width, column), (last_row, height, row)))
    return column, row, across, down
