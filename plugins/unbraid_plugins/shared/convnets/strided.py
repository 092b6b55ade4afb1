"""Strided convolutions whose sides are halved and rounded up, for images of any size: 60, 30, 15, 8, 4, 2."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from unbraid import UnbraidError
from unbraid_plugins.shared.convnets.transposed import Enlarging

Size = tuple[int, int]


def halves(size: Size, *, until: int) -> list[Size]:
    """Return a size and its halves, rounded up, as long as the shorter side is longer than `until`.

    >>> halves((60, 60), until=4)
    [(60, 60), (30, 30), (15, 15), (8, 8), (4, 4)]

    Raises UnbraidError for sides of less than 8 pixels.
    """
    if min(size) < 8:
        raise UnbraidError(f"an image of {size[0]} x {size[1]} is too small for these networks",
                           hint="make its sides at least 8 pixels long")
    sizes = [size]
    while min(sizes[-1]) > until:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


class Halving(nn.Conv2d):
    """Convolution of stride 2 on an image padded so that n pixels become n / 2, rounded up."""

    def __init__(self, here: int, there: int, kernel: int) -> None:
        super().__init__(here, there, kernel, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, here, H, W) -> (B, there, H / 2, W / 2)."""
        (kernel, _), (height, width) = self.kernel_size, x.shape[-2:]
        down, across = (max(2 * ((n + 1) // 2 - 1) + kernel - n, 0) for n in (height, width))
        if down % 2 == across % 2 == 0:            # by the convolution itself: no copy, forwards or backwards
            return functional.conv2d(x, self.weight, self.bias, self.stride, (down // 2, across // 2))
        padded = functional.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return super().forward(padded)


class Doubling(Enlarging):
    """Transposed 3 x 3 convolution of stride 2 that doubles one of the `halves` to the one before it."""

    def __init__(self, here: int, there: int, size: Size, larger: Size) -> None:
        even = (larger[0] - (2 * size[0] - 1), larger[1] - (2 * size[1] - 1))
        super().__init__(here, there, 3, stride=2, padding=1, output_padding=even)
