"""Multilayer perceptrons: hidden layers with leaky ReLU, on vectors or flattened images."""

from __future__ import annotations

from typing import Any, get_args

import attrs
from attrs.validators import deep_iterable, ge, in_, instance_of, optional
from torch import Tensor, nn

from unbraid import Context, UnbraidError, critic, encoder, generator, network
from unbraid_plugins.shared.convnets.heads import CodeHead, ScoreHeads, names
from unbraid_plugins.shared.convnets.inputs import flat_size, vectors
from unbraid_plugins.shared.convnets.layers import SLOPE, with_first_weights
from unbraid_plugins.shared.convnets.pixels import Output, Pixels


class Perceptron(nn.Module):
    """head(hidden layers(inputs)), with the inputs flattened and concatenated."""

    def __init__(self, hidden: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.hidden, self.head = hidden, head

    def forward(self, *inputs: Tensor) -> Any:
        """Values (B, ...) -> the head's output."""
        return self.head(self.hidden(vectors(inputs)))


def _hidden(name: str, inputs: tuple[Tensor, ...], sizes: tuple[int, ...]) -> tuple[nn.Module, int]:
    """Build the hidden layers, and count their output features."""
    if not inputs:
        raise UnbraidError(f"{name} is called without a value", hint=f"give it an image or a code: {name}(x)")
    here = flat_size(inputs)
    layers: list[nn.Module] = []
    for size in sizes:
        layers += [nn.Linear(here, size), nn.LeakyReLU(SLOPE)]
        here = size
    return with_first_weights(nn.Sequential(*layers)), here


@encoder
@attrs.frozen(kw_only=True)
class MlpEncoder:
    """Perceptron from images to a code.

    Images (B, C, H, W) -> code of the recipe's layout, (B, D); several images are concatenated.

    hidden: sizes of the hidden layers.
    gaussian: true for a Gaussian over the code; a factor's name for a record of its Gaussian and a code for each other.
    """

    hidden: tuple[int, ...] = attrs.field(default=(256, 256), converter=tuple, validator=deep_iterable(ge(1)))
    gaussian: bool | str = attrs.field(default=False, validator=instance_of((bool, str)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        hidden, features = _hidden(context.name, inputs, self.hidden)
        return Perceptron(hidden, CodeHead(features, context, self.gaussian))


@generator
@attrs.frozen(kw_only=True)
class MlpGenerator:
    """Perceptron from codes to an image.

    Codes (B, D) -> image (B, C, H, W); several are concatenated.

    hidden: sizes of the hidden layers.
    output: sigmoid or tanh for pixels in [0, 1], logits for `bernoulli`.
    channels: of the image; by default those of the recipe's images.
    """

    hidden: tuple[int, ...] = attrs.field(default=(256, 256), converter=tuple, validator=deep_iterable(ge(1)))
    output: Output = attrs.field(default="sigmoid", validator=in_(get_args(Output)))
    channels: int | None = attrs.field(default=None, validator=optional(ge(1)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        hidden, features = _hidden(context.name, inputs, self.hidden)
        image = (self.channels or context.image[0], *context.image[1:])
        pixels = with_first_weights(nn.Linear(features, image[0] * image[1] * image[2]))
        return Perceptron(hidden, nn.Sequential(pixels, nn.Unflatten(1, image), Pixels(self.output)))


@critic
@attrs.frozen(kw_only=True)
class MlpCritic:
    """Perceptron from vectors (codes, labels) or flattened images to a score.

    Values (B, ...), any number of them -> scores (B, 1); with heads a record: `score`, and (B, classes) logits for
    every labelled factor named.

    hidden: sizes of the hidden layers; FactorVAE's critic has six of 1000.
    heads: labelled factors to predict.
    """

    hidden: tuple[int, ...] = attrs.field(default=(256, 256), converter=tuple, validator=deep_iterable(ge(1)))
    heads: tuple[str, ...] = attrs.field(default=(), converter=names, validator=deep_iterable(instance_of(str)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for values of these shapes."""
        hidden, features = _hidden(context.name, inputs, self.hidden)
        return Perceptron(hidden, ScoreHeads(features, context, self.heads))


@network
@attrs.frozen(kw_only=True)
class Mlp:
    """Perceptron from any values to numbers: a mapping, a predictor, a head.

    Values (B, ...), any number of them -> (B, out).

    out: size of the output; by default the dimension of the code that it makes.
    hidden: sizes of the hidden layers.
    """

    out: int | None = attrs.field(default=None, validator=optional(ge(1)))
    hidden: tuple[int, ...] = attrs.field(default=(256, 256), converter=tuple, validator=deep_iterable(ge(1)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for values of these shapes."""
        hidden, features = _hidden(context.name, inputs, self.hidden)
        out = self.out or context.code.size
        if not out:
            raise UnbraidError(f"{context.name}: how many numbers should it make?",
                               hint="give it  out: N, or let the recipe declare a code")
        return Perceptron(hidden, with_first_weights(nn.Linear(features, out)))
