"""Blocks and checks that the networks for translation and for adaptation share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unbraid import Context, UnbraidError
from unbraid_plugins.shared.convnets.inputs import image_shape, map_shape

SLOPE = 0.2                                        # of the leaky ReLUs


class Residual(nn.Module):
    """x + f(x), f two 3 x 3 convolutions with instance normalisation: (B, c, h, w) -> the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.InstanceNorm2d(channels), nn.ReLU(),
                                  nn.Conv2d(channels, channels, 3, padding=1), nn.InstanceNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return x + f(x)."""
        return x + self.body(x)


def residuals(channels: int, count: int) -> list[nn.Module]:
    """Return this many residual blocks."""
    return [Residual(channels) for _ in range(count)]


def feature_map(context: Context, inputs: Sequence[Tensor]) -> tuple[int, int, int]:
    """Return (channels, height, width) of a network's input.  Raises UnbraidError if it is no feature map."""
    shape = map_shape(context.name, tuple(inputs))
    if shape is None:
        raise UnbraidError(f"{context.name} continues from a feature map, but is called with a vector",
                           hint="call it with what a unit.front or unit.inner makes")
    return shape


def one_image(context: Context, inputs: Sequence[Tensor], multiple: int) -> tuple[int, int, int]:
    """Return (channels, height, width) of an image.  Raises UnbraidError unless its sides are multiples of a number."""
    channels, height, width = image_shape(context.name, tuple(inputs))
    if height % multiple or width % multiple:
        raise UnbraidError(f"{context.name} needs sides that are multiples of {multiple}; these images are "
                           f"{height} x {width}", hint="set the source's size")
    return channels, height, width


def code_channels(context: Context, made: int) -> None:
    """Raise UnbraidError unless the recipe's code has as many channels as the network makes."""
    if context.code.size != made:
        raise UnbraidError(f"{context.name} makes a code of {made} channels; the recipe's has {context.code.size}",
                           hint=f"code: {{content: {made}}}, or another width")


class WithPlaces(nn.Module):
    """A body on an image with two more channels: the position of each pixel, across and down, in [-1, 1]."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) in [-1, 1] -> the body's output for (B, C + 2, H, W)."""
        down, across = (torch.linspace(-1, 1, n, dtype=image.dtype, device=image.device) for n in image.shape[-2:])
        places = torch.stack(torch.meshgrid(across, down, indexing="xy"))
        return self.body(torch.cat([image, places.expand(len(image), -1, -1, -1)], 1))


class Painted(nn.Module):
    """A body whose output is scaled from [-1, 1] to pixels in [0, 1]."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, features: Tensor) -> Tensor:
        """(B, c, h, w) -> (B, C, H, W) in [0, 1]."""
        return 0.5 * (self.body(features) + 1)
