"""The encoder with its heads, and the decoders of maps and of light: the authors' layers, for other sizes, too."""

from __future__ import annotations

import math
from typing import Literal, get_args

import attrs
import torch
from attrs.validators import ge, in_, optional
from torch import Tensor, nn

from unbraid import Context, UnbraidError, encoder, generator, network
from unbraid_plugins.shared.convnets.inputs import flat_size, image_shape, vectors
from unbraid_plugins.shared.convnets.layers import with_first_weights

Activation = Literal["relu", "tanh"]
Output = Literal["sigmoid", "relu", "logits"]
HALVINGS = 3
EVEN = 0.75                                        # the shading of the light at the start of training


@encoder
@attrs.frozen(kw_only=True)
class Encoder:
    """Three 5 x 5 convolutions with pooling, a bottleneck z in (0, 1), and a linear head for each factor.

    Image (B, C, H, W), sides multiples of 8 -> code (B, D): albedo, normals, light, background and matte in the paper.

    width: channels of the first layer, 96 in the paper; then a half and a quarter as many.
    bottleneck: numbers of z, 128 in the paper.
    """

    width: int = attrs.field(default=96, validator=ge(4))
    bottleneck: int = attrs.field(default=128, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        if not context.code.size:
            raise UnbraidError(f"{context.name} should make a code, but the recipe declares none", hint="add the "
                               "paper's  code: {albedo: 128, normals: 128, light: 10, background: 128, matte: 32}")
        trunk = descent(context.name, image_shape(context.name, inputs), self.width, self.bottleneck)
        heads = nn.Linear(self.bottleneck, context.code.size)            # one matrix: a head is some of its rows
        return with_first_weights(nn.Sequential(*trunk, heads))


@generator
@attrs.frozen(kw_only=True)
class MapDecoder:
    """One linear layer to an eighth of the image's size, then doublings with 5 x 5 convolutions, and a 3 x 3 one.

    Codes (B, D) -> maps (B, channels, H, W).

    width: channels of the last feature maps, 96 in the paper; the first have a quarter as many, the next a half.
    activation: relu for albedo, background and matte, tanh for normals in the paper.
    output: sigmoid for numbers in [0, 1]; relu for those of at least 0; logits for any.
    channels: of the maps; by default those of the recipe's images.
    """

    width: int = attrs.field(default=96, validator=ge(4))
    activation: Activation = attrs.field(default="relu", validator=in_(get_args(Activation)))
    output: Output = attrs.field(default="sigmoid", validator=in_(get_args(Output)))
    channels: int | None = attrs.field(default=None, validator=optional(ge(1)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        made = (self.channels or context.image[0], *context.image[1:])
        ends: dict[str, list[nn.Module]] = {"sigmoid": [nn.Sigmoid()], "relu": [nn.ReLU()], "logits": []}
        body = ascent(context.name, made, self.width, flat_size(inputs), self.activation)
        return Decoding(with_first_weights(nn.Sequential(*body, *ends[self.output])))


@network
@attrs.frozen(kw_only=True)
class LightDecoder:
    """A linear map from the light's code to nine harmonics of each colour channel.

    Codes (B, D) -> light (B, C, 9), as `sh_lambert` takes it; C is that of the recipe's images.

    Training begins with an even light, whose shading is 0.75: without light the gradient of the shading would be 0.
    """

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        layer = nn.Linear(flat_size(inputs), 9 * context.image[0])
        with torch.no_grad():
            layer.bias.zero_()
            layer.bias[::9] = EVEN * math.sqrt(4 * math.pi)
        return Decoding(nn.Sequential(layer, nn.Unflatten(1, (context.image[0], 9))))


class Decoding(nn.Module):
    """A body that takes codes, concatenated to one vector."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, *codes: Tensor) -> Tensor:
        """Return what the body makes of codes (B, D), ..."""
        return self.body(vectors(codes))


def descent(name: str, image: tuple[int, int, int], width: int, bottleneck: int) -> list[nn.Module]:
    """Return the layers from an image to z, (B, bottleneck) in (0, 1).  Raises UnbraidError for sizes."""
    height, across = eighth(name, image[1:])
    here, layers = image[0], list[nn.Module]()
    for share in (1, 2, 4):
        layers += [nn.Conv2d(here, width // share, 5, padding=2), nn.MaxPool2d(2), nn.ReLU()]
        here = width // share
    return [*layers, nn.Flatten(), nn.Linear(here * height * across, bottleneck), nn.Sigmoid()]


def ascent(name: str, image: tuple[int, int, int], width: int, numbers: int, activation: str) -> list[nn.Module]:
    """Return the layers from numbers (B, numbers) to maps (B, C, H, W).  Raises UnbraidError for sizes."""
    height, across = eighth(name, image[1:])
    act = nn.Tanh if activation == "tanh" else nn.ReLU
    here = width // 4
    layers: list[nn.Module] = [nn.Linear(numbers, here * height * across), act(),
                               nn.Unflatten(1, (here, height, across))]
    for share in (2, 1, 1):
        layers += [nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(here, width // share, 5, padding=2), act()]
        here = width // share
    return [*layers, nn.Conv2d(here, image[0], 3, padding=1)]


def eighth(name: str, size: tuple[int, int]) -> tuple[int, int]:
    """Return the size after three halvings.  Raises UnbraidError for sides that are no multiples of 8."""
    part = 2**HALVINGS
    if size[0] % part or size[1] % part or not min(size):
        raise UnbraidError(f"{name} halves the image three times; {size[0]} x {size[1]} is no multiple of {part}",
                           hint="resize the images, for example  data.source.size=64")
    return size[0] // part, size[1] // part
