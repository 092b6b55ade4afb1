"""Encoder, generator and class-conditional critic of the paper, in the authors' larger layers for 32 x 32 images.

Images are in [-1, 1] inside the networks and in [0, 1] outside. Where their sides are no multiples of 8, they are
padded with zeros inside (28 to 32).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import torch
from attrs.validators import ge, instance_of, optional
from torch import Tensor, nn
from torch.nn import functional

from unbraid import Context, UnbraidError, critic, encoder, generator
from unbraid_plugins.shared.convnets.heads import CodeHead
from unbraid_plugins.shared.convnets.inputs import image_shape

Pad = tuple[int, int, int, int]                    # left, right, top, bottom


def padding(height: int, width: int) -> Pad:
    """Return the padding that makes both sides multiples of 8.

    >>> padding(28, 32)
    (0, 0, 2, 2)
    """
    across, down = -width % 8, -height % 8
    return across // 2, across - across // 2, down // 2, down - down // 2


def conv(here: int, there: int, *, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    """Return convolution, batch normalisation, ReLU; a kernel of 3 keeps the size, one of 2 with stride 2 halves it."""
    return [nn.Conv2d(here, there, kernel, stride=stride, padding=kernel // 2 if stride == 1 else 0),
            nn.BatchNorm2d(there), nn.ReLU()]


class Padded(nn.Module):
    """A body on the padded image in [-1, 1], and a head on its features."""

    def __init__(self, pad: Pad, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.pad, self.body, self.head = pad, body, head

    def forward(self, image: Tensor) -> Any:
        """(B, C, H, W) in [0, 1] -> the head's output for (B, features)."""
        return self.head(self.body(functional.pad(2 * image - 1, self.pad)))


@encoder
@attrs.frozen(kw_only=True)
class Encoder:
    """Enc: eight convolutions with batch normalisation, then a linear layer for each part of the code.

    Image (B, C, H, W) in [0, 1] -> a code, or a record with a Gaussian for one factor and a code for each other. In the
    paper, z is a Gaussian of 512 numbers that no label describes, and s has 64 numbers, which the label specifies.

    width: F in the paper's code, 16; channels double to 8 F.
    gaussian: the factor that is a Gaussian.
    """

    width: int = attrs.field(default=16, validator=ge(1))
    gaussian: str | None = attrs.field(default=None, validator=optional(instance_of(str)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        here, height, width = image_shape(context.name, inputs)
        pad, f = padding(height, width), self.width
        layers: list[nn.Module] = conv(here, f)
        for times in (1, 2, 4):                                         # 32, 16, 8, 4
            layers += [*conv(times * f, times * f), *conv(times * f, 2 * times * f, kernel=2, stride=2)]
        layers += [*conv(8 * f, 8 * f), nn.Flatten()]
        places = (height + pad[2] + pad[3]) // 8 * ((width + pad[0] + pad[1]) // 8)
        return Padded(pad, nn.Sequential(*layers), CodeHead(8 * f * places, context, self.gaussian or False))


class Fused(nn.Module):
    """A linear layer for each code; their sum is the first feature map of the body."""

    def __init__(self, sizes: Sequence[int], first: tuple[int, int, int], body: nn.Module, pad: Pad) -> None:
        super().__init__()
        channels, height, width = first
        self.entries = nn.ModuleList(nn.Linear(size, channels * height * width) for size in sizes)
        self.first, self.body, self.pad = first, body, pad

    def forward(self, *codes: Tensor) -> Tensor:
        """(B, D), ... -> image (B, C, H, W) in [0, 1]."""
        summed = sum(entry(code.flatten(1)) for entry, code in zip(self.entries, codes, strict=True))
        image = self.body(summed.unflatten(1, self.first))
        return 0.5 * (functional.pad(image, tuple(-p for p in self.pad)) + 1)


@generator
@attrs.frozen(kw_only=True)
class Generator:
    """Dec: a separate linear layer for each part of the code, whose outputs are added, then convolutions that double.

    Codes (B, D), one or several -> image (B, C, H, W) in [0, 1].  width: F in the paper's code, 16.
    """

    width: int = attrs.field(default=16, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of these shapes."""
        if not inputs:
            raise UnbraidError(f"{context.name} is called without a value",
                               hint=f"give it a code: {context.name}(z, s)")
        made, height, width = context.image
        pad, f = padding(height, width), self.width
        body: list[nn.Module] = []
        for times in (8, 4, 2):                                         # 4, 8, 16, 32
            body += [*conv(times * f, times * f), nn.ConvTranspose2d(times * f, times * f // 2, 2, stride=2),
                     nn.BatchNorm2d(times * f // 2), nn.ReLU()]
        body += [*conv(f, f), nn.Conv2d(f, made, 3, padding=1), nn.Tanh()]
        first = (8 * f, (height + pad[2] + pad[3]) // 8, (width + pad[0] + pad[1]) // 8)
        return Fused([v[0].numel() for v in inputs], first, nn.Sequential(*body), pad)


class Conditional(nn.Module):
    """Convolutions with a coarse picture of the label, which is added to the maps of three layers."""

    def __init__(self, channels: int, classes: int, f: int, size: tuple[int, int], pad: Pad) -> None:
        super().__init__()
        height, width = size
        self.pad, self.coarse = pad, (f, height // 8, width // 8)
        maps = (f, 2 * f, 4 * f)
        self.tables = nn.ModuleList(nn.Linear(classes, c * self.coarse[1] * self.coarse[2], bias=False) for c in maps)
        self.first = nn.Sequential(nn.Conv2d(channels, f, 3, padding=1), nn.LeakyReLU(0.2),
                                   nn.Conv2d(f, f, 2, stride=2))
        self.second = nn.Sequential(_after(f), nn.Conv2d(f, 2 * f, 2, stride=2),
                                    _after(2 * f), nn.Conv2d(2 * f, 2 * f, 3, padding=1))
        self.third = nn.Sequential(_after(2 * f), nn.Conv2d(2 * f, 4 * f, 2, stride=2),
                                   _after(4 * f), nn.Conv2d(4 * f, 4 * f, 3, padding=1))
        self.last = nn.Sequential(_after(4 * f), nn.Conv2d(4 * f, 4 * f, 3, padding=1), _after(4 * f), nn.Flatten(),
                                  nn.Dropout(0.5), nn.Linear(4 * f * self.coarse[1] * self.coarse[2], 1))

    def forward(self, image: Tensor, *labels: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] and one-hot labels (B, K), ... -> scores (B, 1)."""
        numbers = torch.cat([v.flatten(1) for v in labels], 1)
        x = functional.pad(2 * image - 1, self.pad)
        for stage, table in zip((self.first, self.second, self.third), self.tables, strict=True):
            x = stage(x)
            picture = table(numbers.to(x.dtype)).unflatten(1, (-1, *self.coarse[1:]))
            x = x + functional.interpolate(picture, size=x.shape[-2:], mode="nearest")
        return self.last(x)


def _after(channels: int) -> nn.Module:
    return nn.Sequential(nn.BatchNorm2d(channels), nn.LeakyReLU(0.2))


@critic
@attrs.frozen(kw_only=True)
class Critic:
    """D: a score of how real an image of its class is.  A label's embedding is added to the maps of three layers.

    An image (B, C, H, W) in [0, 1] and its labels -> scores (B, 1), logits; several labels add up.

    width: F in the paper's code, 16.
    """

    width: int = attrs.field(default=16, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images and labels of these shapes."""
        if len(inputs) < 2 or inputs[0].ndim != 4 or any(v.ndim != 2 for v in inputs[1:]):
            raise UnbraidError(f"{context.name} judges an image with its label",
                               hint=f"call it so: {context.name}(x, x.identity); for pairs of images take "
                               "challenges.pair_critic")
        channels, height, width = inputs[0].shape[1:]
        pad = padding(height, width)
        size = (height + pad[2] + pad[3], width + pad[0] + pad[1])
        return Conditional(channels, sum(v.shape[1] for v in inputs[1:]), self.width, size, pad)
