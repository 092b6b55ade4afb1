"""Encoder, generator and critic of the paper: the authors' layers for 60 x 60 sprites, adapted to other sizes.

Images are in [-1, 1] inside the networks and in [0, 1] outside. Halves are rounded up: 60, 30, 15, 8, 4, 2.
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
    """E: strided convolutions with instance normalisation, then one linear layer to the chunks.

    Image (B, C, H, W) in [0, 1] -> code (B, n d), n chunks of d numbers (8 x 64 in the paper).

    width: channels of the first layer, 64 in the paper; then 2, 4, 8, 8 times as many. A layer that would leave a side
    of less than 2 pixels is left out (the shorter side at most 32).
    """

    width: int = attrs.field(default=64, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        here, height, width = image_shape(context.name, inputs)
        size, layers = (height, width), list[nn.Module]()
        halves(size, until=4)
        for kernel, times in ((4, 1), (4, 2), (4, 4), (2, 8), (2, 8)):
            if min(size) <= 2:
                break
            size = ((size[0] + 1) // 2, (size[1] + 1) // 2)
            layers += [Halving(here, times * self.width, kernel), nn.InstanceNorm2d(times * self.width),
                       nn.LeakyReLU(0.2)]
            here = times * self.width
        if not context.code.size:
            raise UnbraidError(f"{context.name} should make a code, but the recipe declares none",
                               hint="add the paper's  code: {chunk: 8 x 64}")
        return Signed(nn.Sequential(*layers, nn.Flatten(), nn.Linear(here * size[0] * size[1], context.code.size),
                                    nn.LeakyReLU(0.2)))


@generator
@attrs.frozen(kw_only=True)
class Generator:
    """G: transposed convolutions from the code to the image.

    Codes (B, n d) -> image (B, C, H, W) in [0, 1].

    width: 64 in the paper; 8 width channels at 4 x 4 and 8 x 8, then 4 width and 2 width, then the image.
    """

    width: int = attrs.field(default=64, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        sizes = halves((context.image[1], context.image[2]), until=4)
        widths = [context.image[0], *(min(2**level, 8) * self.width for level in range(1, len(sizes)))]
        body: list[nn.Module] = [nn.ConvTranspose2d(flat_size(inputs), widths[-1], sizes[-1]), nn.ReLU()]
        for level in range(len(sizes) - 1, 0, -1):
            body.append(Doubling(widths[level], widths[level - 1], sizes[level], sizes[level - 1]))
            body += [nn.InstanceNorm2d(widths[level - 1]), nn.ReLU()] if level > 1 else [nn.Tanh()]
        return Unsigned(nn.Sequential(*body))


@critic
@attrs.frozen(kw_only=True)
class Critic:
    """D: a score of how real an image is.  Convolutions with batch normalisation, then one linear layer.

    Image (B, C, H, W) in [0, 1] -> scores (B, 1), logits.

    width: channels of the first layer, 64 in the paper; then 2, 4, 8 times as many.
    """

    width: int = attrs.field(default=64, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        here, height, width = image_shape(context.name, inputs)
        size, layers = halves((height, width), until=4)[0], list[nn.Module]()
        for times in (1, 2, 4):
            size = ((size[0] + 1) // 2, (size[1] + 1) // 2)
            layers += [Halving(here, times * self.width, 3), nn.BatchNorm2d(times * self.width), nn.LeakyReLU(0.2)]
            here = times * self.width
        layers += [nn.Conv2d(here, 8 * self.width, 1), nn.BatchNorm2d(8 * self.width), nn.LeakyReLU(0.2)]
        return Signed(nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * self.width * size[0] * size[1], 1)))
