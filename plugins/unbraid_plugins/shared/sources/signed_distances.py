"""Signed distances of shapes: negative inside, in units where the picture is 2 wide and 2 high, y up.

The formulas are Inigo Quilez' (2D distance functions); ellipse and heart are first-order approximations near the edge.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def grid(size: int) -> tuple[Array, Array]:
    """Return x and y of the pixel centres, float32 (size, size) each; row 0 is the top."""
    middle = ((np.arange(size, dtype=np.float32) + 0.5) / size) * 2 - 1
    return np.broadcast_to(middle, (size, size)), np.broadcast_to(-middle[:, None], (size, size))


def coverage(distance: Array, size: int) -> Array:
    """Return the share of every pixel that lies inside, in [0, 1]; an edge is one pixel wide."""
    return np.clip(0.5 - distance * (size / 2), 0, 1)


def ellipse(x: Array, y: Array, rx: float, ry: float) -> Array:
    """Return the distance of an ellipse around the origin with half axes rx and ry."""
    near = np.sqrt((x / rx) ** 2 + (y / ry) ** 2)
    slope = np.sqrt((x / rx ** 2) ** 2 + (y / ry ** 2) ** 2)
    return np.where(slope < 1e-4, -min(rx, ry), near * (near - 1) / np.maximum(slope, 1e-4))


def box(x: Array, y: Array, half_width: float, half_height: float, rounding: float = 0.0) -> Array:
    """Return the distance of a rectangle around the origin with rounded corners."""
    dx, dy = np.abs(x) - half_width + rounding, np.abs(y) - half_height + rounding
    return np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0) - rounding


def limb(x: Array, y: Array, a: tuple[float, float], b: tuple[float, float], radius: float) -> Array:
    """Return the distance of a straight stroke from a to b with round ends."""
    px, py, bx, by = x - a[0], y - a[1], b[0] - a[0], b[1] - a[1]
    along = np.clip((px * bx + py * by) / max(bx * bx + by * by, 1e-9), 0, 1)
    return np.hypot(px - along * bx, py - along * by) - radius


def triangle(x: Array, y: Array, *corners: tuple[float, float]) -> Array:
    """Return the distance of a triangle, corners anticlockwise; it is exact along the edges."""
    edges = zip(corners, (*corners[1:], corners[0]), strict=True)
    return np.maximum.reduce([((x - a[0]) * (b[1] - a[1]) - (y - a[1]) * (b[0] - a[0]))
                              / np.hypot(b[0] - a[0], b[1] - a[1]) for a, b in edges])


def heart(x: Array, y: Array, radius: float) -> Array:
    """Return the distance of a heart about as large as a circle of this radius."""
    u, v = np.abs(x) / (radius * 1.12), y / (radius * 1.12) + 0.58
    upper = np.hypot(u - 0.25, v - 0.75) - np.sqrt(2) / 4
    s = 0.5 * np.maximum(u + v, 0)
    lower = np.sqrt(np.minimum(u ** 2 + (v - 1) ** 2, (u - s) ** 2 + (v - s) ** 2)) * np.sign(u - v)
    return np.where(u + v > 1, upper, lower) * (radius * 1.12)
