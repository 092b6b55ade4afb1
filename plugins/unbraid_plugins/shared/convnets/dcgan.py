"""Strided 4 x 4 convolutions, in the manner of DCGAN (Radford, Metz, Chintala 2016) and of the beta-VAE."""

from __future__ import annotations

from typing import get_args

import attrs
from attrs.validators import deep_iterable, ge, in_, instance_of, optional
from torch import Tensor, nn

from unbraid import Context, UnbraidError, critic, encoder, generator
from unbraid_plugins.shared.convnets.feature_sizes import channels, halvings
from unbraid_plugins.shared.convnets.heads import Bound, CodeHead, ScoreHeads, names
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
from unbraid_plugins.shared.convnets.skips import LookingWithSkips, MakingWithSkips, parted, skipped_channels
from unbraid_plugins.shared.convnets.transposed import Enlarging
from unbraid_plugins.shared.convnets.wrappers import Looking, Making, first_map


def _descent(image: tuple[int, int, int], width: int, norm: str) -> tuple[nn.Sequential, int]:
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
    code_norm: batch normalisation of the code.
    bound: tanh for a code in (-1, 1), unit for one whose factors have length 1.
    skips: true for a record of the `code` and the feature maps, `skips`, for a conv_generator.
    """

    width: int = attrs.field(default=32, validator=ge(1))
    gaussian: bool | str = attrs.field(default=False, validator=instance_of((bool, str)))
    norm: Norm = attrs.field(default="none", validator=in_(get_args(Norm)))
    code_norm: bool = False
    bound: Bound = attrs.field(default="none", validator=in_(get_args(Bound)))
    skips: bool = False

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        trunk, features = _descent(image_shape(context.name, inputs), self.width, self.norm)
        head = CodeHead(features, context, self.gaussian, code_norm=self.code_norm, bound=self.bound)
        if not self.skips:
            return Looking(trunk, head)
        if isinstance(self.gaussian, str):
            raise UnbraidError(f"{context.name}: with skips the code is whole, or a Gaussian over all of it",
                               hint="set  gaussian: true  or  false, or give each factor an encoder:  code: pose")
        return LookingWithSkips(trunk, head, context.code)


@generator
@attrs.frozen(kw_only=True)
class ConvGenerator:
    """The mirror of conv_encoder: one linear layer to a side of at most 4, then transposed 4 x 4 convolutions.

    Codes (B, D) -> image (B, C, H, W); several are concatenated. A spatial code (B, D, h, w), where h x w is a halving
    of the image, is used as a map, and vectors beside it become constant maps. Skips of a conv_encoder, by themselves
    or in its record, stand beside its own maps of their sizes.

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
        codes, skips = parted(inputs)
        made = self.channels or context.image[0]
        first = first_map(context, codes, self.width)
        beside = skipped_channels(context, skips, first)
        body: list[nn.Module] = []
        for level in range(first.levels, 0, -1):
            here, size, larger = channels(self.width, level), first.sizes[level], first.sizes[level - 1]
            odd = (larger[0] - 2 * size[0], larger[1] - 2 * size[1])
            body += [*norm_layer(self.norm, here, size), leaky_relu(inplace=level < first.levels),
                     Enlarging(here + beside[level], channels(self.width, level - 1) if level > 1 else made, 4,
                               stride=2, padding=1, output_padding=odd)]
        if not body:                            # the code is as large as the image
            body += [leaky_relu(), nn.Conv2d(self.width, made, 3, padding=1)]
        whole = with_first_weights(nn.Sequential(*body, Pixels(self.output)))
        return MakingWithSkips(first.module, whole) if skips else Making(first, whole)


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
