"""Checks of the numbers of a scene: types and ranges that would give a blank picture."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from unbraid import UnbraidError

MOST = 16.0                                        # a colour beyond it counts from 0 to 255, or to 65535


def expect_floats(name: str, t: Any, hint: str = "convert it: t.float()") -> None:
    """Raise UnbraidError where a tensor holds whole, logical or complex numbers."""
    if isinstance(t, Tensor) and not t.is_floating_point():
        raise UnbraidError(f"{name} holds {str(t.dtype).removeprefix('torch.')}", hint=f"expected floats: {hint}")


def expect_colours(name: str, t: Any) -> None:
    """Raise UnbraidError where a tensor of colours holds other numbers than floats from 0 to about 1.

    The check allows what a network makes: it reports only numbers beyond 16, and that all are NaN.
    """
    if not isinstance(t, Tensor):
        return
    expect_floats(name, t, "divide numbers from 0 to 255 by 255")
    if t.is_meta or not t.numel():
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
