"""Numbers of faces without OpenGL: every face on every pixel of its bounding box, vectorised, on any device."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

CHUNK = 2**17                                      # pairs of a face and a pixel at a time: they stay in the cache
NOTHING = 2**63 - 1


def rasterize_torch(clip: Tensor, faces: Tensor, height: int, width: int, cull: bool) -> Tensor:
    """Find the faces like `rasterize`."""
    nearest = torch.full((len(clip) * height * width,), NOTHING, device=clip.device)
    for pixel, face, depth in hits(clip, faces, height, width, cull):
        key = ((depth.double() + 1) * 2**30).long().clamp(0, 2**31 - 1) * 2**32 + face
        nearest.scatter_reduce_(0, pixel, key, "amin")
    ids = torch.where(nearest == NOTHING, -1, nearest & (2**32 - 1))
    return ids.reshape(len(clip), height, width)


def hits(clip: Tensor, faces: Tensor, height: int, width: int, cull: bool, *, once: bool = False,
         ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield all pixels of all faces in parts: pixels among B * H * W, faces, and depths z / w in [-1, 1]; (N,) each.

    once: a pixel on the border of two neighbours belongs to one of them only.

    By edge functions in homogeneous coordinates (Olano & Greer 1997), so that a face that passes behind the camera
    needs no clipping: a pixel sees it where w is positive and z within [-w, w].
    """
    batch, count = len(clip), len(faces)
    if not (batch * height * width * count * clip.shape[1]):
        return
    of = (faces + clip.shape[1] * torch.arange(batch, device=clip.device)[:, None, None]).reshape(-1, 3).T
    points = clip.detach().reshape(-1, 4).T.contiguous()
    corners = torch.stack([torch.stack([t.index_select(0, own) for own in of.contiguous()]) for t in points])
    facing = _facing(corners)
    seen = ((facing > 0) if cull else (facing != 0) & facing.isfinite()).nonzero().squeeze(1)
    corners = torch.stack([t.index_select(0, seen) for t in corners.flatten(0, 1)]).reshape(4, 3, -1)
    corners = torch.where(facing.index_select(0, seen) < 0, corners[:, [0, 2, 1]], corners)     # all turn one way
    column, row, across, down = _boxes(corners, height, width)
    pairs, face, first = across * down, seen % count, seen // count * (height * width)
    last = pairs.cumsum(0)
    start = 0
    while start < len(seen):
        before = int(last[start - 1]) if start else 0
        stop = max(start + 1, int(torch.searchsorted(last, before + CHUNK, right=True)))
        part = slice(start, stop)
        owner = torch.repeat_interleave(torch.arange(start, stop, device=clip.device), pairs[part])
        number = torch.arange(len(owner), device=clip.device) - (last - pairs - before).index_select(0, owner)
        wide = across.index_select(0, owner)
        lines = number // wide
        c = column.index_select(0, owner) + number - lines * wide
        r = row.index_select(0, owner) + lines
        x, y = (2 * c + 1).to(clip.dtype) / width - 1, 1 - (2 * r + 1).to(clip.dtype) / height
        hit, depth = _inside(corners, owner, x, y, once)
        owner = owner.index_select(0, hit)
        pixel = first.index_select(0, owner) + (r * width + c).index_select(0, hit)
        yield pixel, face.index_select(0, owner), depth
        start = stop


def _facing(corners: Tensor) -> Tensor:
    """Return det (x, y, w) of faces (4, 3, F), (F,) double: positive if seen from outside, NaN if not finite."""
    x, y, _, w = corners.double()
    found = sum(x[i] * (y[i - 2] * w[i - 1] - y[i - 1] * w[i - 2]) for i in range(3))
    whole = corners.isfinite().all(0).all(0)
    return found.where(whole, torch.nan)


def _inside(corners: Tensor, owner: Tensor, x: Tensor, y: Tensor, once: bool) -> tuple[Tensor, Tensor]:
    """Return which pixels at (x, y), (N,), see their face, (K,), and its depth z / w in [-1, 1] there.

    corners: (4, 3, F), x, y, z and w.
    owner: (N,), the pixel's face.
    once: of two neighbours the one on the left of their border has a pixel there, or the upper one.
    """
    xs, ys, zs, ws = corners
    w = [t.index_select(0, owner) for t in ws]
    u = [t.index_select(0, owner) - x * own for t, own in zip(xs, w, strict=True)]
    v = [t.index_select(0, owner) - y * own for t, own in zip(ys, w, strict=True)]
    areas = [u[i - 2] * v[i - 1] - u[i - 1] * v[i - 2] for i in range(3)]     # exactly opposite for neighbours: no gaps
    inside = torch.minimum(torch.minimum(areas[0], areas[1]), areas[2]) >= 0
    if once:
        for i, area in enumerate(areas):           # the slopes of neighbours are exactly opposite, too
            across, down = (t[i - 2] * ws[i - 1] - t[i - 1] * ws[i - 2] for t in (ys, xs))
            taken = (across > 0) | ((across == 0) & (down < 0))
            inside &= (area != 0) | taken.index_select(0, owner)
    hit = inside.nonzero().squeeze(1)
    owner = owner.index_select(0, hit)
    areas = [a.index_select(0, hit) for a in areas]
    deep, far = (sum(a * t.index_select(0, owner) for a, t in zip(areas, ts, strict=True)) for ts in (zs, ws))
    within = (far > 0) & (deep.abs() <= far)
    return hit[within], (deep / far)[within]


def _boxes(corners: Tensor, height: int, width: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the first column and row, and the numbers of columns and rows, that may see each face (4, 3, N)."""
    other = corners.roll(-1, 1)
    here, there = corners[2] + corners[3], other[2] + other[3]              # above the near plane?
    crosses = (here > 0) != (there > 0)
    t = here / (here - there).where(crosses, here.new_ones(()))
    points = torch.cat([corners, corners + t * (other - corners)], 1)
    counts = torch.cat([here > 0, crosses]) & (points[3] > 0)
    at = points[:2] / points[3].where(counts, points.new_ones(()))
    low = at.where(counts, points.new_full((), torch.inf)).amin(1)
    high = at.where(counts, points.new_full((), -torch.inf)).amax(1)
    margin = 1e-3
    first_column, last_column = (low[0] + 1) / 2 * width - margin, (high[0] + 1) / 2 * width + margin
    first_row, last_row = (1 - high[1]) / 2 * height - margin, (1 - low[1]) / 2 * height + margin
    column, row = ((t - 0.5).ceil().clamp(0, n).long() for t, n in ((first_column, width), (first_row, height)))
    across, down = (((t - 0.5).floor().clamp(-1, n - 1).long() - start + 1).clamp_min(0)
                    for t, n, start in ((last_column, width, column), (last_row, height, row)))
    return column, row, across, down
