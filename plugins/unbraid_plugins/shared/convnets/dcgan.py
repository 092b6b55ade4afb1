"""Strided 4 x 4 convolutions, in the manner of DCGAN (Radford, Metz, Chintala 2016) and of the beta-VAE."""

from __future__ import annotations

from typing import get_args

import attrs
from attrs.validators import deep_iterable, ge, in_, instance_of, optional
from torch import Tensor, nn

from unbraid import Context, critic, encoder, generator
from unbraid_plugins.shared.convnets.feature_sizes import channels, halvings
from unbraid_plugins.shared.convnets.heads import CodeHead, ScoreHeads, names
from unbraid_plugins.shared.convnets.inputs import image_shape
from unbraid_plugins.shared.convnets.layers import (
    CriticNorm,
    Norm,
    leaky_relu,
    norm_layer,
    with_first_weights,
    with_spectral_norm,
)
from unbraid_plugins.shared.convnets.pixels import Output, Pixels
from unbraid_plugins.shared.convnets.transposed import Enlarging
from unbraid_plugins.shared.convnets.wrappers import Looking, Making, first_map


def _descent(image: tuple[int, int, int], width: int, norm: str) -> tuple[nn.Module, int]:
    """Build convolutions that halve an image (C, H, W) down to a side of at most 4, and count their output features."""
    sizes = halvings(*image[1:])
    layers: list[nn.Module] = []
    here = image[0]
    for level, size in enumerate(sizes[1:], 1):
        layers.append(nn.Conv2d(here, channels(width, level), 4, stride=2, padding=1))
        here = channels(width, level)
        if level > 1:                           # the first layer keeps the images' own statistics
            layers += norm_layer(norm, here, size)
        layers.append(leaky_relu())
    trunk = nn.Sequential(*layers, nn.Flatten())
    return with_first_weights(trunk), here * sizes[-1][0] * sizes[-1][1]


@encoder
@attrs.frozen(kw_only=True)
class ConvEncoder:
    """Strided 4 x 4 convolutions down to a side of at most 4, then one linear layer.

    Images (B, C, H, W) -> code of the recipe's layout, (B, D); several images are concatenated along the channels.

    width: channels of the first layer; they double up to 8 width.
    gaussian: true for a Gaussian over the code; a factor's name for a record of its Gaussian and a code for each other.
    norm: normalisation of the feature maps.
    """

    width: int = attrs.field(default=32, validator=ge(1))
    gaussian: bool | str = attrs.field(default=False, validator=instance_of((bool, str)))
    norm: Norm = attrs.field(default="none", validator=in_(get_args(Norm)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        trunk, features = _descent(image_shape(context.name, inputs), self.width, self.norm)
        return Looking(trunk, CodeHead(features, context, self.gaussian))


@generator
@attrs.frozen(kw_only=True)
class ConvGenerator:
    """The mirror of conv_encoder: one linear layer to a side of at most 4, then transposed 4 x 4 convolutions.

    Codes (B, D) -> image (B, C, H, W); several are concatenated. A spatial code (B, D, h, w), where h x w is a halving
    of the image, is used as a map, and vectors beside it become constant maps.

    width: channels of the last layer but one.
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
        made = self.channels or context.image[0]
        first = first_map(context, inputs, self.width)
        body: list[nn.Module] = []
        for level in range(first.levels, 0, -1):
            here, size, larger = channels(self.width, level), first.sizes[level], first.sizes[level - 1]
            odd = (larger[0] - 2 * size[0], larger[1] - 2 * size[1])
            body += [*norm_layer(self.norm, here, size), leaky_relu(),
                     Enlarging(here, channels(self.width, level - 1) if level > 1 else made, 4, stride=2, padding=1,
                               output_padding=odd)]
        if not body:                            # the code is as large as the image
            body += [leaky_relu(), nn.Conv2d(self.width, made, 3, padding=1)]
        return Making(first, with_first_weights(nn.Sequential(*body, Pixels(self.output))))


@critic
@attrs.frozen(kw_only=True)
class ConvCritic:
    """Strided 4 x 4 convolutions down to a side of at most 4, then one linear layer to a score.

    Images (B, C, H, W), concatenated along the channels, and vectors (labels, codes) as constant maps -> scores (B, 1);
    with heads a record: `score`, and (B, classes) logits for every labelled factor named.

    width: channels of the first layer; they double up to 8 width.
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
