"""Inputs of networks: images, maps and vectors, joined to one map or one vector."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid import UnbraidError


def flat_size(inputs: tuple[Tensor, ...]) -> int:
    """Return the numbers per sample of `vectors(inputs)`."""
    return sum(v[0].numel() for v in inputs)


def vectors(inputs: tuple[Tensor, ...]) -> Tensor:
    """Flatten and concatenate all inputs: (B, ...), ... -> (B, D)."""
    flat = [v.reshape(v.shape[0], -1) for v in inputs]
    return flat[0] if len(flat) == 1 else torch.cat(flat, 1)


def maps(inputs: tuple[Tensor, ...]) -> Tensor:
    """Concatenate maps, and vectors as constant maps, along channels: (B, c, h, w), (B, d), ... -> (B, c + d, h, w)."""
    height, width = next(v.shape[-2:] for v in inputs if v.ndim == 4)
    spread = [v if v.ndim == 4 else v.reshape(v.shape[0], -1, 1, 1).expand(-1, -1, height, width) for v in inputs]
    spread = [v.to(spread[0].dtype) for v in spread]
    return spread[0] if len(spread) == 1 else torch.cat(spread, 1)


def map_shape(name: str, inputs: tuple[Tensor, ...]) -> tuple[int, int, int] | None:
    """Return (channels, height, width) of `maps(inputs)`; None if all inputs are vectors.

    Raises UnbraidError for maps of different sizes, for inputs of another shape, or without inputs.
    """
    if not inputs:
        raise UnbraidError(f"{name} is called without a value", hint=f"give it an image or a code: {name}(x)")
    records = [type(v).__name__.lower() for v in inputs if not isinstance(v, Tensor)]
    if records:
        raise UnbraidError(f"{name} takes images, maps and vectors, but is called with a {records[0]}",
                           hint="give it one part, such as the code of an encoder with skips:  c.code")
    sizes = {tuple(v.shape[-2:]) for v in inputs if v.ndim == 4}
    if len(sizes) > 1:
        raise UnbraidError(f"{name} is called with maps of different sizes: "
                           + ", ".join(f"{h} x {w}" for h, w in sorted(sizes)),
                           hint="what stands side by side must have one height and width")
    odd = [tuple(v.shape) for v in inputs if v.ndim not in (1, 2, 4)]
    if odd:
        raise UnbraidError(f"{name} is called with a value of shape {odd[0]}",
                           hint="it takes images (B, C, H, W) and vectors (B, D)")
    if not sizes:
        return None
    height, width = sizes.pop()
    total = sum(v.shape[1] if v.ndim == 4 else (v.shape[1] if v.ndim == 2 else 1) for v in inputs)
    return int(total), int(height), int(width)


def image_shape(name: str, inputs: tuple[Tensor, ...]) -> tuple[int, int, int]:
    """Return (channels, height, width) of `maps(inputs)`.  Raises UnbraidError if there is no image among them."""
    shape = map_shape(name, inputs)
    if shape is None:
        raise UnbraidError(f"{name} looks at images, but is called with vectors alone: "
                           + ", ".join(str(tuple(v.shape)) for v in inputs),
                           hint="give it an image, or make it a network for vectors (mlp_critic, mlp)")
    return shape
