"""Residual networks with average pooling and nearest upsampling (He et al. 2016; Gulrajani et al. 2017, appendix)."""

from __future__ import annotations

from typing import get_args

import attrs
from attrs.validators import deep_iterable, ge, in_, instance_of, optional
from torch import Tensor, nn
from torch.nn import functional

from unbraid import Context, critic, encoder, generator
from unbraid_plugins.shared.convnets.feature_sizes import Size, channels, halvings
from unbraid_plugins.shared.convnets.heads import Bound, CodeHead, ScoreHeads, names
from unbraid_plugins.shared.convnets.inputs import image_shape
from unbraid_plugins.shared.convnets.layers import (
    SLOPE,
    CriticNorm,
    Norm,
    leaky_relu,
    norm_layer,
    with_first_weights,
    with_spectral_norm,
)
from unbraid_plugins.shared.convnets.pixels import Output, Pixels
from unbraid_plugins.shared.convnets.wrappers import Looking, Making, first_map


class Block(nn.Module):
    """Residual block (x + f(x)) / sqrt 2 that halves or doubles the size, with two 3 x 3 convolutions in f.

    (B, here, *before) -> (B, there, *after); after is half of before or twice as large.
    """

    def __init__(self, here: int, there: int, before: Size, after: Size, norm: str) -> None:
        super().__init__()
        self.after, self.down = after, after[0] < before[0]
        self.first = nn.Sequential(*norm_layer(norm, here, before), nn.LeakyReLU(SLOPE))
        self.conv = nn.Conv2d(here, there, 3, padding=1)
        self.second = nn.Sequential(*norm_layer(norm, there, before if self.down else after), leaky_relu(),
                                    nn.Conv2d(there, there, 3, padding=1))
        self.skip = nn.Conv2d(here, there, 1, bias=False) if here != there else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return the map in its new size."""
        if self.down:
            return functional.avg_pool2d(self.skip(x) + self.second(self.conv(self.first(x))), 2) * 0.5**0.5
        larger = functional.interpolate(self.skip(x), size=self.after, mode="nearest")
        inside = functional.interpolate(self.first(x), size=self.after, mode="nearest")
        return (larger + self.second(self.conv(inside))) * 0.5**0.5


def _descent(image: tuple[int, int, int], width: int, norm: str) -> tuple[nn.Module, int]:
    """Build blocks that halve an image (C, H, W) down to a side of at most 4, and count their output features."""
    sizes = halvings(*image[1:])
    layers: list[nn.Module] = [nn.Conv2d(image[0], width, 3, padding=1)]
    for level in range(1, len(sizes)):
        layers.append(Block(channels(width, max(level - 1, 1)), channels(width, level), sizes[level - 1], sizes[level],
                            norm))
    trunk = nn.Sequential(*layers, nn.LeakyReLU(SLOPE), nn.Flatten())
    return with_first_weights(trunk), channels(width, len(sizes) - 1) * sizes[-1][0] * sizes[-1][1]


@encoder
@attrs.frozen(kw_only=True)
class ResEncoder:
    """Residual blocks, each halving the image, down to a side of at most 4, then one linear layer.

    Images (B, C, H, W) -> code of the recipe's layout, (B, D); several images are concatenated along the channels.

    width: channels of the first block; they double up to 8 width.
    gaussian: true for a Gaussian over the code; a factor's name for a record of its Gaussian and a code for each other.
    norm: normalisation of the feature maps.
    code_norm: batch normalisation of the code.
    bound: tanh for a code in (-1, 1), unit for one whose factors have length 1.
    """

    width: int = attrs.field(default=32, validator=ge(1))
    gaussian: bool | str = attrs.field(default=False, validator=instance_of((bool, str)))
    norm: Norm = attrs.field(default="none", validator=in_(get_args(Norm)))
    code_norm: bool = False
    bound: Bound = attrs.field(default="none", validator=in_(get_args(Bound)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        trunk, features = _descent(image_shape(context.name, inputs), self.width, self.norm)
        return Looking(trunk, CodeHead(features, context, self.gaussian, code_norm=self.code_norm, bound=self.bound))


@generator
@attrs.frozen(kw_only=True)
class ResGenerator:
    """The mirror of res_encoder: one linear layer to a side of at most 4, then residual blocks that double the image.

    Codes (B, D) -> image (B, C, H, W); several are concatenated. A spatial code (B, D, h, w), where h x w is a halving
    of the image, is used as a map, and vectors beside it become constant maps.

    width: channels of the last block.
    norm: normalisation of the feature maps.
    output: sigmoid or tanh for pixels in [0, 1], logits for `bernoulli`.
    channels: of the image; by default those of the recipe's images.
    """

    width: int = attrs.field(default=32, validator=ge(1))
    norm: Norm = attrs.field(default="none", validator=in_(get_args(Norm)))
    output: Output = attrs.field(default="sigmoid", validator=in_(get_args(Output)))
    channels: int | None = attrs.field(default=None, validator=optional(ge(1)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        first = first_map(context, inputs, self.width)
        body: list[nn.Module] = []
        for level in range(first.levels, 0, -1):
            body.append(Block(channels(self.width, level), channels(self.width, max(level - 1, 1)), first.sizes[level],
                              first.sizes[level - 1], self.norm))
        body += [*norm_layer(self.norm, self.width, first.sizes[0]), nn.LeakyReLU(SLOPE),
                 nn.Conv2d(self.width, self.channels or context.image[0], 3, padding=1)]
        return Making(first, with_first_weights(nn.Sequential(*body, Pixels(self.output))))


@critic
@attrs.frozen(kw_only=True)
class ResCritic:
    """Residual blocks, each halving the image, down to a side of at most 4, then one linear layer to a score.

    Images (B, C, H, W), concatenated along the channels, and vectors (labels, codes) as constant maps -> scores (B, 1);
    with heads a record: `score`, and (B, classes) logits for every labelled factor named.

    width: channels of the first block; they double up to 8 width.
    norm: normalisation of the feature maps, or `spectral` for the weights.
    heads: labelled factors to predict.
    """

    width: int = attrs.field(default=32, validator=ge(1))
    norm: CriticNorm = attrs.field(default="none", validator=in_(get_args(CriticNorm)))
    heads: tuple[str, ...] = attrs.field(default=(), converter=names, validator=deep_iterable(instance_of(str)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images and vectors of these shapes."""
        trunk, features = _descent(image_shape(context.name, inputs), self.width, self.norm)
        return with_spectral_norm(Looking(trunk, ScoreHeads(features, context, self.heads)), self.norm)
