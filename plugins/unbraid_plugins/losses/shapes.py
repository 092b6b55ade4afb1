"""The refusal of unequal shapes: broadcasting would turn a mistake into a wrong number."""

from __future__ import annotations

from torch import Tensor


def same_shape(loss: str, a: Tensor, b: Tensor) -> None:
    """Raise ValueError, with both shapes, unless they are equal."""
    if a.shape != b.shape:
        raise ValueError(f"{loss} compares values of one shape; these are {tuple(a.shape)} and {tuple(b.shape)}")
