"""Images that are drawn when they are read, from the grid of all combinations of factors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np

from unbraid import DataError, Field, Images

MOST = 2 ** 26                                     # images
DRAW_AT_ONCE = 2 ** 28                             # bytes; up to this size, all images are drawn when opened


@attrs.define(eq=False)
class Drawn:
    """Lazy images.  draw: values of every factor, (n,) each -> uint8 (n, channels, size, size)."""

    channels: int
    size: int
    draw: Callable[[dict[str, np.ndarray]], np.ndarray]
    factors: dict[str, np.ndarray] = attrs.Factory(dict)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        return len(next(iter(self.factors.values()))), self.channels, self.size, self.size

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Draw the images of these rows, uint8 (len(rows), C, H, W)."""
        return self.draw({name: values[rows] for name, values in self.factors.items()})


def check_count(instance: Any, attribute: attrs.Attribute[Any], count: int | None) -> None:
    """Check that a count is null, for all, or at least 1.  Raises ValueError."""
    if count is not None and count < 1:
        raise ValueError(f"{attribute.name} must be at least 1, or null for all; found {count}")


def check_total(*sizes: int) -> int:
    """Return the product of numbers of values.  Raises DataError for more images than can be listed."""
    total = math.prod(sizes)
    if total > MOST:
        raise DataError(f"{total:,} images are more than {MOST:,}", hint="lower its numbers of values")
    return total


def grid_images(sizes: Mapping[str, int], drawn: Drawn, count: int | None,
                field: Callable[[str, np.ndarray], Field]) -> Images:
    """Return the full product of factors with these numbers of values, the last one fastest, or `count` of its rows.

    The choice of rows depends on no seed, so that a smaller count is a subset of a larger one.

    Raises DataError for more combinations than can be listed.
    """
    total = check_total(*sizes.values())
    rows = np.arange(total)
    if count is not None and count < total:
        rows = np.sort(np.random.Generator(np.random.Philox(key=20180615)).permutation(total)[:count])
    indices = np.unravel_index(rows, tuple(sizes.values()))
    drawn.factors = dict(zip(sizes, indices, strict=True))
    bytes_in_all = int(np.prod(drawn.shape))
    notes = [] if len(rows) == total else [f"{len(rows):,} of all {total:,} combinations"]
    return Images(drawn.read(np.arange(len(rows))) if bytes_in_all <= DRAW_AT_ONCE else drawn,
                  {name: field(name, index) for name, index in drawn.factors.items()}, notes=notes)
