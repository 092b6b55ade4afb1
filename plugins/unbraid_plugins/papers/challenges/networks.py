"""Encoder, generator and pair critic of the paper: the authors' layers for 28 x 28 digits, adapted to other sizes.

Images are in [-1, 1] inside the networks and in [0, 1] outside. Halves are rounded up: 28, 14, 7, 4.
"""

from __future__ import annotations

import attrs
from attrs.validators import ge
from torch import Tensor, nn

from unbraid import Context, UnbraidError, critic, encoder, generator
from unbraid_plugins.shared.convnets.inputs import flat_size, image_shape
from unbraid_plugins.shared.convnets.strided import Doubling, Halving, halves
from unbraid_plugins.shared.convnets.wrappers import Signed, Unsigned


@encoder
@attrs.frozen(kw_only=True)
class Encoder:
    """Enc: strided 3 x 3 convolutions with instance normalisation down to a side of at most 4, then one linear layer.

    Image (B, C, H, W) in [0, 1] -> code (B, D): in the paper 64 numbers of the varying factor, 64 of the common one.

    width: channels of the first layer, 64 in the paper; then 2, 4, 8 times as many.
    """

    width: int = attrs.field(default=64, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        here, height, width = image_shape(context.name, inputs)
        if not context.code.size:
            raise UnbraidError(f"{context.name} should make a code, but the recipe declares none",
                               hint="add the paper's  code: {varying: 64, common: 64}")
        sizes, layers = halves((height, width), until=4), list[nn.Module]()
        for level in range(len(sizes) - 1):
            there = self.width * 2 ** min(level, 3)
            layers += [Halving(here, there, 3), nn.InstanceNorm2d(there), nn.LeakyReLU(0.2)]
            here = there
        return Signed(nn.Sequential(*layers, nn.Flatten(),
                                    nn.Linear(here * sizes[-1][0] * sizes[-1][1], context.code.size),
                                    nn.LeakyReLU(0.2)))


@generator
@attrs.frozen(kw_only=True)
class Generator:
    """Dec: transposed convolutions with instance normalisation, from a side of at most 4 to the image.

    Codes (B, D) -> image (B, C, H, W) in [0, 1].

    width: 64 in the paper; 16 width channels first, then half as many after each doubling, then the image.
    """

    width: int = attrs.field(default=64, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        sizes = halves((context.image[1], context.image[2]), until=4)
        widths = [context.image[0], *(self.width * 2 ** min(level + 1, 4) for level in range(1, len(sizes)))]
        body: list[nn.Module] = [nn.ConvTranspose2d(flat_size(inputs), widths[-1], sizes[-1]),
                                 nn.InstanceNorm2d(widths[-1]), nn.ReLU()]
        for level in range(len(sizes) - 1, 0, -1):
            body.append(Doubling(widths[level], widths[level - 1], sizes[level], sizes[level - 1]))
            body += [nn.InstanceNorm2d(widths[level - 1]), nn.ReLU()] if level > 1 else [nn.Tanh()]
        return Unsigned(nn.Sequential(*body))


@critic
@attrs.frozen(kw_only=True)
class PairCritic:
    """D: a score of whether two images are real and share the common factor.  Four convolutions, as in AlexNet.

    Two images (B, C, H, W) in [0, 1], concatenated along the channels -> scores (B, 1), logits.

    width: channels of the first layer, 96 in the paper; then 8/3, 4 and 4 times as many.
    """

    width: int = attrs.field(default=96, validator=ge(3))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for pairs of this shape."""
        channels, height, width = image_shape(context.name, inputs)
        left = tuple(_pooled(_pooled(n - 2)) for n in (height, width))
        if min(left) < 1:
            raise UnbraidError(f"{context.name} pools twice; images of {height} x {width} are too small for that",
                               hint="make their sides at least 9 pixels long, or take a conv_critic")
        second, third = 8 * self.width // 3, 4 * self.width
        return Signed(nn.Sequential(                                                            # 28 x 28
            nn.Conv2d(channels, self.width, 3), nn.LeakyReLU(0.2), nn.LocalResponseNorm(5), nn.MaxPool2d(3, 2),  # 12
            nn.Conv2d(self.width, second, 3, padding=1), nn.LeakyReLU(0.2), nn.LocalResponseNorm(5),
            nn.MaxPool2d(3, 2),                                                                 # 5 x 5
            nn.Conv2d(second, third, 3, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(third, third, 3, padding=1), nn.LeakyReLU(0.2),
            nn.Flatten(), nn.Linear(third * left[0] * left[1], 1)))


def _pooled(n: int) -> int:
    return (n - 3) // 2 + 1
