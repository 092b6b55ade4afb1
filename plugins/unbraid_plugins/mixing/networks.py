"""Encoder, generator and critic of the paper, in the authors' layers for 60 x 60 sprites, for other sizes too.

Inside, images are in [-1, 1]; outside in [0, 1]. Halves are rounded up: 60, 30, 15, 8, 4, 2.
"""

from __future__ import annotations

import attrs
from attrs.validators import ge
from torch import Tensor, nn
from torch.nn import functional

from unbraid import Context, UnbraidError, critic, encoder, generator
from unbraid_plugins.convnets.inputs import flat_size, image_shape, maps, vectors

Size = tuple[int, int]


def halves(size: Size, *, until: int) -> list[Size]:
    """A size and its halves, rounded up, as long as the shorter side is longer than `until`.

    >>> halves((60, 60), until=4)
    [(60, 60), (30, 30), (15, 15), (8, 8), (4, 4)]
    """
    if min(size) < 8:
        raise UnbraidError(f"an image of {size[0]} x {size[1]} is too small for the mixing networks",
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
        padded = functional.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return super().forward(padded)


class Signed(nn.Module):
    """Images side by side, from [0, 1] to [-1, 1]."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, *images: Tensor) -> Tensor:
        """(B, C, H, W), ... -> what the body makes of them."""
        return self.body(2 * maps(images) - 1)


class Unsigned(nn.Module):
    """Codes end to end, and what the body makes of them from [-1, 1] to [0, 1]."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, *codes: Tensor) -> Tensor:
        """(B, D), ... -> images (B, C, H, W) in [0, 1]."""
        return 0.5 * (self.body(vectors(codes)[..., None, None]) + 1)


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
        """The module for images of this shape."""
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

    width: 64 in the paper: 8 width channels at 4 x 4 and 8 x 8, then 4, 2 times as many, and the image.
    """

    width: int = attrs.field(default=64, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """The module for codes of this shape."""
        sizes = halves((context.image[1], context.image[2]), until=4)
        widths = [context.image[0], *(min(2**level, 8) * self.width for level in range(1, len(sizes)))]
        body: list[nn.Module] = [nn.ConvTranspose2d(flat_size(inputs), widths[-1], sizes[-1]), nn.ReLU()]
        for level in range(len(sizes) - 1, 0, -1):
            (height, width), larger = sizes[level], sizes[level - 1]
            even = (larger[0] - (2 * height - 1), larger[1] - (2 * width - 1))
            body.append(nn.ConvTranspose2d(widths[level], widths[level - 1], 3, stride=2, padding=1,
                                           output_padding=even))
            body += [nn.InstanceNorm2d(widths[level - 1]), nn.ReLU()] if level > 1 else [nn.Tanh()]
        return Unsigned(nn.Sequential(*body))


@critic
@attrs.frozen(kw_only=True)
class Critic:
    """D: is an image real?  Convolutions with batch normalisation, then one linear layer.

    Image (B, C, H, W) in [0, 1] -> scores (B, 1), logits.

    width: channels of the first layer, 64 in the paper; then 2, 4, 8 times as many.
    """

    width: int = attrs.field(default=64, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """The module for images of this shape."""
        here, height, width = image_shape(context.name, inputs)
        size, layers = halves((height, width), until=4)[0], list[nn.Module]()
        for times in (1, 2, 4):
            size = ((size[0] + 1) // 2, (size[1] + 1) // 2)
            layers += [Halving(here, times * self.width, 3), nn.BatchNorm2d(times * self.width), nn.LeakyReLU(0.2)]
            here = times * self.width
        layers += [nn.Conv2d(here, 8 * self.width, 1), nn.BatchNorm2d(8 * self.width), nn.LeakyReLU(0.2)]
        return Signed(nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * self.width * size[0] * size[1], 1)))
