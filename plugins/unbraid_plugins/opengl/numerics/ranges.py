"""Checks of the numbers of a scene: types and ranges that would give a blank picture."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from torch import Tensor

from unbraid import UnbraidError

MOST = 16.0                                        # a colour beyond it counts from 0 to 255, or to 65535


def expect_floats(name: str, t: Any, hint: str = "convert it: t.float()") -> None:
    """Raise UnbraidError for whole, logical or complex numbers, and for arrays and lists that are no tensor."""
    if isinstance(t, np.ndarray | list | tuple | int | float):
        raise UnbraidError(f"{name} is a {type(t).__name__}", hint="expected a tensor of floats: torch.as_tensor(...)")
    if isinstance(t, Tensor) and not t.is_floating_point():
        raise UnbraidError(f"{name} holds {str(t.dtype).removeprefix('torch.')}", hint=f"expected floats: {hint}")


def expect_colours(name: str, t: Any) -> None:
    """Raise UnbraidError where a tensor of colours holds other numbers than floats from 0 to about 1.

    The check allows what a network makes: it reports only numbers beyond 16, and that all are NaN.
    """
    expect_floats(name, t, "divide numbers from 0 to 255 by 255")
    if not isinstance(t, Tensor) or t.is_meta or not t.numel():
        return
    low, high = (float(end) for end in t.detach().aminmax())
    if math.isnan(high) and bool(t.detach().isnan().all()):
        raise UnbraidError(f"{name} holds no numbers, but NaN alone", hint="expected floats from 0 to 1")
    if high > MOST or low < -MOST:
        raise UnbraidError(f"{name} reaches from {low:g} to {high:g}",
                           hint="expected floats from 0 to 1: divide numbers from 0 to 255 by 255")


def expect_within(name: str, number: float | Tensor, low: float, high: float, *, hint: str) -> None:
    """Raise UnbraidError where a number, or one of a tensor's, is not between two others, which don't count."""
    if isinstance(number, Tensor):
        expect_floats(name, number)
        if number.is_meta or not number.numel():
            return
        ends = [float(end) for end in number.detach().aminmax()]
    else:
        ends = [float(number)]
    for end in ends:
        if not low < end < high:
            raise UnbraidError(f"{name} is {end:g}", hint=f"expected {hint}")


def expect_size(size: Any) -> tuple[int, int]:
    """Return the height and the width of an image.  Raises UnbraidError where they are no whole numbers from 0."""
    try:
        height, width = (operator.index(n) for n in size)
    except (TypeError, ValueError):
        height = width = -1
    if min(height, width) < 0:
        raise UnbraidError(f"an image of the size {size!r:.40}", hint="expected (height, width) in pixels")
    return height, width
