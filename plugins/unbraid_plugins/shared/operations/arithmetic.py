"""Elementwise functions."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid import operation


@operation
def absolute(v: Tensor) -> Tensor:
    """Absolute value:  |v|.

    v: any shape.  Returns the same shape.
    """
    return v.abs()


@operation
def sigmoid(v: Tensor) -> Tensor:
    """From logits to numbers in (0, 1):  1 / (1 + exp(-v)), for example the image of a Bernoulli decoder.

    v: any shape.  Returns the same shape.
    """
    return torch.sigmoid(v)
