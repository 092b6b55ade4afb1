"""White shapes on black that our own code draws, with the factors of dSprites."""

from __future__ import annotations

import functools

import attrs
import numpy as np

from unbraid import Field, Images, source
from unbraid_plugins.shared.sources.procedural import Drawn, check_count, grid_images
from unbraid_plugins.shared.sources.signed_distances import Array, box, ellipse, heart

SHAPES = ("square", "ellipse", "heart")


@source
@attrs.frozen(kw_only=True)
class Shapes:
    """Square, ellipse and heart in every scale, orientation and place, drawn here and antialiased.

    Factors: shape 3, scale, orientation (a full turn), x, y; the exact full product, or `count` of its rows.
    Images are grey, (1, size, size).  In the manner of dSprites (Matthey et al. 2017), which has 6, 40, 32 and 32
    values of scale, orientation, x and y.
    """

    size: int = attrs.field(default=64, validator=[attrs.validators.ge(8), attrs.validators.le(512)])
    scales: int = attrs.field(default=6, validator=attrs.validators.ge(1))
    orientations: int = attrs.field(default=20, validator=attrs.validators.ge(1))
    positions: int = attrs.field(default=16, validator=attrs.validators.ge(1))
    count: int | None = attrs.field(default=None, validator=check_count)

    def open(self) -> Images:
        """Return the shapes and their factors."""
        sizes = {"shape": 3, "scale": self.scales, "orientation": self.orientations, "x": self.positions,
                 "y": self.positions}
        return grid_images(sizes, Drawn(1, self.size, functools.partial(self._draw, sizes)), self.count,
                           lambda name, index: Field(index, sizes[name], SHAPES if name == "shape" else None))

    def _draw(self, sizes: dict[str, int], factors: dict[str, np.ndarray]) -> np.ndarray:
        def spread(name: str, low: float, high: float) -> Array:
            return low + (high - low) * factors[name] / max(sizes[name] - 1, 1)

        return draw_shapes(self.size, factors["shape"], spread("scale", 0.5, 1.0),
                           2 * np.pi * factors["orientation"] / sizes["orientation"], spread("x", -0.5, 0.5),
                           spread("y", -0.5, 0.5))


def draw_shapes(size: int, shape: Array, scale: Array, angle: Array, x: Array, y: Array) -> Array:
    """Draw shapes, (n,) numbers each -> uint8 (n, 1, size, size).

    scale: 1 for the largest.
    angle: radians, anticlockwise.
    x, y: the middle; the picture is [-1, 1] wide and high.
    """
    middle = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
    images = np.empty((len(shape), 1, size, size), np.uint8)
    for begin in range(0, len(shape), 1024):
        rows = slice(begin, begin + 1024)
        sine, cosine, s = (a.astype(np.float32)[:, None, None] for a in (
            np.sin(angle[rows]), np.cos(angle[rows]), scale[rows]))
        dx = middle[None, None, :] - x[rows].astype(np.float32)[:, None, None]
        dy = -middle[None, :, None] - y[rows].astype(np.float32)[:, None, None]
        u, v = (cosine * dx + sine * dy) / s, (cosine * dy - sine * dx) / s
        distance = np.empty_like(u)
        for number, outline in enumerate((lambda a, b: box(a, b, 0.3, 0.3), lambda a, b: ellipse(a, b, 0.4, 0.226),
                                          lambda a, b: heart(a, b, 0.6))):
            chosen = shape[rows] == number
            distance[chosen] = outline(u[chosen], v[chosen])
        images[rows, 0] = np.clip(0.5 - distance * s * (size / 2), 0, 1) * 255 + 0.5
    return images
