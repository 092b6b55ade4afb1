"""Polygons cut into triangles: a fan where all corners turn one way, ear clipping in the polygon's plane elsewhere."""

from __future__ import annotations

import numpy as np

LARGEST = 20_000                                   # corners of a polygon that ears are clipped from
SLACK = 1e-9                                       # of the polygon's size: below it a turn is none


def triangles(points: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut polygons into triangles that keep their orientation.

    points: (C, 3) float64, the corners of all polygons, one polygon after the other.
    sizes: (P,) numbers of corners of the polygons, at least 3 each.

    Returns the triangles (T, 3) as indices of corners, their polygons (T,), in order, and the polygons that cross
    themselves, which no cut can honour, (Q,).
    """
    starts = np.cumsum(sizes) - sizes
    pieces, owners, crossing = [], [], []
    for size in np.unique(sizes):
        which = np.flatnonzero(sizes == size)
        corners = starts[which, None] + np.arange(size)
        if size == 3:
            pieces.append(corners)
            owners.append(which)
            continue
        flat, turns, round_ = _turns(points[corners])
        fan = _fan(int(size))
        simple = ((turns >= -SLACK).all(1) & (np.abs(round_ - 1) < 0.1)) | (np.abs(turns).max(1) <= SLACK)
        pieces.append(corners[simple][:, fan].reshape(-1, 3))
        owners.append(which[simple].repeat(size - 2))
        for polygon, own, outline in zip(which[~simple], corners[~simple], flat[~simple], strict=True):
            cut = clipped(outline) if size <= LARGEST else None
            if cut is None:
                crossing.append(polygon)
                cut = fan
            pieces.append(own[cut])
            owners.append(np.full(len(cut), polygon))
    if not pieces:
        return np.zeros((0, 3), np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    return np.concatenate(pieces)[order], owner[order], np.array(sorted(crossing), np.int64)


def clipped(outline: np.ndarray) -> np.ndarray | None:
    """Clip ears off a polygon (N, 2), counter-clockwise; None where it crosses itself.

    Returns triangles (T, 3). An outline that runs to a hole and back along one line is a polygon like any other.

    >>> clipped(np.array([[0, 2], [0, 0], [2, 0], [0.5, 0.5]])).tolist()
    [[3, 0, 1], [1, 2, 3]]
    """
    left = [i for i in range(len(outline)) if (outline[i] != outline[i - 1]).any()]
    found: list[tuple[int, int, int]] = []
    while len(left) > 3:
        ring = outline[left]
        before, after = np.roll(ring, 1, 0), np.roll(ring, -1, 0)
        turn = _cross(ring - before, after - ring)
        bare = np.flatnonzero(np.abs(turn) <= SLACK)               # on a line, or there and back
        if len(bare):
            i = int(bare[0])
            found.append((left[i - 1], left[i], left[(i + 1) % len(left)]))
            del left[i]
            continue
        dents = ring[turn < 0]
        for i in map(int, np.flatnonzero(turn > 0)):
            a, b, c = before[i], ring[i], after[i]
            if not _inside(dents, a, b, c):
                break
        else:
            return None
        found.append((left[i - 1], left[i], left[(i + 1) % len(left)]))
        del left[i]
    if len(left) == 3:
        found.append((left[0], left[1], left[2]))
    cut = np.array(found, np.int64).reshape(-1, 3)
    a, b, c = (outline[cut[:, k]] for k in range(3))
    areas = _cross(b - a, c - a)
    whole = _cross(outline, np.roll(outline, -1, 0)).sum()
    return cut if (areas >= -4 * SLACK).all() and abs(areas.sum() - whole) <= 1e-6 * max(whole, 1e-3) else None


def _turns(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay polygons (P, N, 3) into their planes: (P, N, 2) within [-1, 1], their corners' turns (P, N), and how many
    times each goes round, (P,)."""
    centred = points - points.mean(1, keepdims=True)
    size = np.abs(centred).max((1, 2), keepdims=True)
    centred = centred / np.where(size > 0, size, 1)
    normal = np.cross(centred, np.roll(centred, -1, 1)).sum(1)                       # Newell's
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    normal = np.where(length > 1e-12, normal / np.where(length > 0, length, 1), [0.0, 0, 1])
    least = np.eye(3)[np.abs(normal).argmin(1)]
    right = np.cross(least, normal)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    up = np.cross(normal, right)
    flat = np.stack([(centred * axis[:, None]).sum(2) for axis in (right, up)], 2)
    coming, going = flat - np.roll(flat, 1, 1), np.roll(flat, -1, 1) - flat
    turns = _cross(coming, going)
    return flat, turns, np.arctan2(turns, (coming * going).sum(2)).sum(1) / (2 * np.pi)


def _fan(size: int) -> np.ndarray:
    after = np.arange(1, size - 1)
    return np.stack([after * 0, after, after + 1], 1)


def _inside(points: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> bool:
    """Return whether a point, but no corner of it, lies in a triangle."""
    if not len(points):
        return False
    within = np.ones(len(points), bool)
    for one, other in ((a, b), (b, c), (c, a)):
        within &= _cross(other - one, points - one) >= 0
    for corner in (a, b, c):
        within &= (points != corner).any(1)
    return bool(within.any())


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    crossed: np.ndarray = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return crossed
