"""Residual pairs and the pyramids that are built of them (Ma et al. 2018, section 3.1).

Level i has (i + 1) width channels. A convolution of stride 2 leads from each level to the next one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

from torch import Tensor, nn

from unbraid_plugins.shared.convnets.strided import halves

Size = tuple[int, int]
Module = TypeVar("Module", bound=nn.Module)
SMALLEST = 4                                       # the shorter side of the last level at most: 128 x 64 to 8 x 4


class ResidualPair(nn.Module):
    """Two 3 x 3 convolutions with ReLU beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(channels, channels), nn.ReLU(), conv(channels, channels), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return x + self.body(x)


def conv(here: int, there: int, *, stride: int = 1) -> nn.Conv2d:
    """Return a 3 x 3 convolution that keeps the size, or halves it and rounds up."""
    return nn.Conv2d(here, there, 3, stride=stride, padding=1)


def levels(size: Size) -> list[Size]:
    """Return the sizes of a pyramid's levels, down to a shorter side of at most 4.

    >>> levels((128, 64)), levels((16, 16))
    ([(128, 64), (64, 32), (32, 16), (16, 8), (8, 4)], [(16, 16), (8, 8), (4, 4)])

    Raises UnbraidError for sides of less than 8 pixels.
    """
    return halves(size, until=SMALLEST)


def pyramid(here: int, width: int, count: int) -> tuple[list[ResidualPair], list[nn.Conv2d]]:
    """Return the residual pairs of a pyramid's levels, and the convolutions that lead from each to the next.

    here: the channels of the first level; later ones have 2 width, 3 width, ...
    """
    channels = [here, *(width * (level + 1) for level in range(1, count))]
    pairs = [ResidualPair(c) for c in channels]
    return pairs, [conv(a, b, stride=2) for a, b in pairwise(channels)]


def first_weights(module: Module) -> Module:
    """Give convolutions and linear layers the weights of Glorot & Bengio 2010, eq. 16, and no bias; return the module.

    Residual pairs with the larger weights of He et al. would add to the signal at each of the many levels.
    """
    for m in module.modules():
        if isinstance(m, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(m.weight)
            if m.bias is not None:
                nn.init.zeros_(m.bias)
    return module
