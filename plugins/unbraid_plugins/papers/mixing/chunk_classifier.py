"""C, the classifier that predicts which chunks of x3 came from which image, so that no chunk can be ignored."""

from __future__ import annotations

from typing import Literal

import attrs
from attrs.validators import ge, in_
from torch import Tensor, nn

from unbraid import Context, UnbraidError, critic
from unbraid_plugins.shared.convnets.inputs import image_shape
from unbraid_plugins.shared.convnets.strided import Halving, halves
from unbraid_plugins.shared.convnets.wrappers import Signed


@critic
@attrs.frozen(kw_only=True)
class ChunkClassifier:
    """C(x1, x2, x3): for every chunk a logit that it came from x1, where the mask is 1.

    Three images (B, C, H, W) in [0, 1], concatenated along the channels -> logits (B, number of chunks).

    architecture: alexnet, the paper's, for images of at least 60 x 60; or small, for images from 8 x 8 up.
    width: channels of the first layer of the small one; they double up to 4 width.

    The small one has strided 4 x 4 convolutions down to a side of at most 4.
    """

    architecture: Literal["small", "alexnet"] = attrs.field(default="small", validator=in_(("small", "alexnet")))
    width: int = attrs.field(default=32, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of these shapes."""
        channels, height, width = image_shape(context.name, inputs)
        chunks = len(context.code.parts)
        if chunks < 2:
            raise UnbraidError(f"{context.name} tells chunks apart; the code has {chunks}",
                               hint="declare for example  code: {chunk: 8 x 64}")
        if self.architecture == "alexnet" and min(height, width) < 60:
            raise UnbraidError(f"{context.name}: the alexnet needs images of at least 60 x 60; these are "
                               f"{height} x {width}", hint="architecture: small")
        body = (alexnet(channels, height, width, chunks) if self.architecture == "alexnet"
                else small(channels, height, width, chunks, self.width))
        return Signed(body)


def small(channels: int, height: int, width: int, chunks: int, first: int) -> nn.Module:
    """Build the small one: convolution, ReLU, batch normalisation, down to a side of at most 4; then a hidden layer."""
    layers: list[nn.Module] = []
    sizes = halves((height, width), until=4)
    for level in range(len(sizes) - 1):
        there = first * 2 ** min(level, 2)
        layers += [Halving(channels, there, 4), nn.ReLU(), nn.BatchNorm2d(there)]
        channels = there
    flat = channels * sizes[-1][0] * sizes[-1][1]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, 8 * first), nn.ReLU(), nn.Linear(8 * first, chunks))


def alexnet(channels: int, height: int, width: int, chunks: int) -> nn.Module:
    """Build the paper's: five convolutions (ReLU before batch normalisation), three poolings, two layers of 4096."""
    def pooled(n: int) -> int:
        return (n - 3) // 2 + 1

    def left(n: int) -> int:
        return pooled(pooled(pooled((n - 8) // 2 + 1)))

    return nn.Sequential(                                                                           # 60 x 60
        nn.Conv2d(channels, 96, 8, stride=2), nn.ReLU(), nn.BatchNorm2d(96), nn.MaxPool2d(3, 2),        # 13 x 13
        nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), nn.BatchNorm2d(256), nn.MaxPool2d(3, 2),     # 6 x 6
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(384),
        nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(), nn.BatchNorm2d(384),
        nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(), nn.BatchNorm2d(256), nn.MaxPool2d(3, 2),    # 2 x 2
        nn.Flatten(), nn.Linear(256 * left(height) * left(width), 4096), nn.ReLU(),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, chunks))
