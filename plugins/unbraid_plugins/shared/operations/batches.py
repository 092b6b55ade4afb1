"""Operations that join values in one batch or one vector, and that split a batch again."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid import Value, operation
from unbraid.values import records as values


def _end_to_end(*parts: Tensor) -> Tensor:
    return torch.cat(parts)


@operation
def both(a: Value, b: Value) -> Value:
    """Two values as one batch, for a network that should see them together (batch normalisation):  `halves` undoes it.

    a, b: values of one kind and shape, (B, ...).  Returns (2 B, ...).  Raises ValueError where the shapes differ.
    """
    shapes = [[tuple(t.shape) for t in values.tensors(v)] for v in (a, b)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"both takes two values of one shape; these are {shapes[0]} and {shapes[1]}")
    return values.map_tensors(_end_to_end, a, b)


@operation
def halves(v: Value) -> tuple[Value, Value]:
    """The two halves of a batch:  `real, fake: halves(critic(both(x, y)))`.

    v: (2 B, ...).  Returns two values (B, ...).  Raises ValueError for an odd batch.
    """
    for t in values.tensors(v):
        if t.shape[0] % 2:
            raise ValueError(f"halves takes an even batch; this has shape {tuple(t.shape)}")
    return (values.map_tensors(lambda t: t[:t.shape[0] // 2], v), values.map_tensors(lambda t: t[t.shape[0] // 2:], v))


@operation
def concat(*parts: Tensor) -> Tensor:
    """Concatenation of vectors, or of images along their channels.

    parts: (B, d, ...) each, of one shape but for d.  Returns (B, sum of d, ...).
    Raises ValueError where other sizes differ.
    """
    if len({(t.shape[0], *t.shape[2:]) for t in parts}) != 1 or any(t.ndim < 2 for t in parts):
        raise ValueError("concat takes values (B, d, ...) of one shape but for d; these are "
                         + " and ".join(str(tuple(t.shape)) for t in parts))
    return torch.cat(parts, 1)
