"""The paper's networks (appendix C.1, table 1), for images of other sizes too.

An image is halved until its shorter side is at most 7: 28, 14, 7 for MNIST. Channels double from `width` to 8 width.
"""

from __future__ import annotations

from typing import Literal, get_args

import attrs
import torch
from attrs.validators import and_, ge, in_, lt
from torch import Tensor, nn

from unbraid import Context, UnbraidError, critic, generator, network
from unbraid_plugins.papers.infogan.recognition import Guess
from unbraid_plugins.shared.convnets.feature_sizes import channels, halvings
from unbraid_plugins.shared.convnets.inputs import flat_size, image_shape, vectors
from unbraid_plugins.shared.convnets.layers import with_small_weights
from unbraid_plugins.shared.convnets.pixels import Output, Pixels
from unbraid_plugins.shared.convnets.transposed import Enlarging

SMALLEST = 7                                       # the side of the smallest feature map
SLOPE = attrs.field(default=0.1, validator=and_(ge(0), lt(1)))


class OnVectors(nn.Module):
    """A body on the concatenation of its inputs."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, *values: Tensor) -> Tensor:
        """(B, ...), ... -> the body's output for (B, D)."""
        return self.body(vectors(values))


@generator
@attrs.frozen(kw_only=True)
class Generator:
    """G: two linear layers, then transposed 4 x 4 convolutions, with batch normalisation and ReLU.

    Codes (B, D), several are concatenated -> image (B, C, H, W) in [0, 1].

    width: 64 in the paper.
    hidden: size of the first linear layer, 1024 in the paper for MNIST; 0 for none, as for its other data.
    output: sigmoid; tanh, as for the paper's images in colour; or logits.
    """

    width: int = attrs.field(default=64, validator=ge(1))
    hidden: int = attrs.field(default=1024, validator=ge(0))
    output: Output = attrs.field(default="sigmoid", validator=in_(get_args(Output)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        made, height, width = context.image
        sizes = halvings(height, width, smallest=SMALLEST)
        here, body = flat_size(inputs), list[nn.Module]()
        first = (channels(self.width, len(sizes) - 1), *sizes[-1])
        for there in (self.hidden, first[0] * first[1] * first[2]):
            if there:
                body += [nn.Linear(here, there), nn.BatchNorm1d(there), nn.ReLU()]
                here = there
        body.append(nn.Unflatten(1, first))                                                     # MNIST: 128, 7 x 7
        for level in range(len(sizes) - 1, 0, -1):
            (h, w), larger = sizes[level], sizes[level - 1]
            there = channels(self.width, level - 1) if level > 1 else made
            body.append(Enlarging(channels(self.width, level), there, 4, stride=2, padding=1,
                                  output_padding=(larger[0] - 2 * h, larger[1] - 2 * w)))
            body += [nn.BatchNorm2d(there), nn.ReLU()] if level > 1 else [Pixels(self.output)]  # 64, 14 x 14; 28 x 28
        return with_small_weights(OnVectors(nn.Sequential(*body)))


@network
@attrs.frozen(kw_only=True)
class Trunk:
    """Layers that D and Q share: 4 x 4 convolutions of stride 2 and a linear layer, with leaky ReLU.

    Each layer but the first has batch normalisation.

    Image (B, C, H, W) in [0, 1] -> features (B, hidden).

    width: 64 in the paper.
    hidden: size of the linear layer, 1024 in the paper for MNIST; 0 for none, as for its other data.
    slope: of the leaky ReLU, 0.1 in the paper, 0.01 in the authors' code.
    """

    width: int = attrs.field(default=64, validator=ge(1))
    hidden: int = attrs.field(default=1024, validator=ge(0))
    slope: float = SLOPE

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        here, height, width = image_shape(context.name, inputs)
        if len(inputs) > 1:
            raise UnbraidError(f"{context.name} looks at one image, but is called with {len(inputs)} values")
        sizes, layers = halvings(height, width, smallest=SMALLEST), list[nn.Module]()
        for level in range(1, len(sizes)):                                                      # 64, 14 x 14
            there = channels(self.width, level)                                                 # 128, 7 x 7
            layers += [nn.Conv2d(here, there, 4, stride=2, padding=1), *[nn.BatchNorm2d(there)] * (level > 1),
                       nn.LeakyReLU(self.slope)]
            here = there
        layers.append(nn.Flatten())
        if self.hidden:
            flat = here * sizes[-1][0] * sizes[-1][1]
            layers += [nn.Linear(flat, self.hidden), nn.BatchNorm1d(self.hidden), nn.LeakyReLU(self.slope)]
        return with_small_weights(nn.Sequential(*layers))


@critic
@attrs.frozen(kw_only=True)
class Head:
    """D on the trunk: one linear layer.  Features (B, n) -> scores (B, 1), logits."""

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for features of this shape."""
        return with_small_weights(OnVectors(nn.Linear(flat_size(inputs), 1)))


class GuessHead(nn.Module):
    """Features (B, n) -> Guess about the code; without `spread`, standard deviations are 1."""

    def __init__(self, hidden: nn.Module, centre: nn.Module, spread: nn.Module | None, context: Context) -> None:
        super().__init__()
        self.hidden, self.centre, self.spread, self.layout = hidden, centre, spread, context.code

    def forward(self, *features: Tensor) -> Guess:
        """Return Q(c | x)."""
        h = self.hidden(vectors(features))
        centre = self.centre(h)
        return Guess(centre, torch.zeros_like(centre) if self.spread is None else self.spread(h), self.layout)


@network
@attrs.frozen(kw_only=True)
class Posterior:
    """Q on the trunk: a hidden layer with batch normalisation, then the parameters of Q(c | x).

    Features (B, n) -> Guess about the factors that `code:` names:  {type: infogan.posterior, code: [c1, c2, c3]}.

    hidden: 128 in the paper.
    slope: as the trunk's.
    std: of real numbers; fixed at 1, as in the authors' launcher for MNIST, or learned, as the paper says.
    """

    hidden: int = attrs.field(default=128, validator=ge(1))
    slope: float = SLOPE
    std: Literal["fixed", "learned"] = attrs.field(default="fixed", validator=in_(("fixed", "learned")))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for features of this shape."""
        if not context.code.size:
            raise UnbraidError(f"{context.name} predicts a code, but the recipe declares none",
                               hint="declare for example  code: {z: 62 uniform, c1: 10 classes, c2: 1 uniform}  and "
                                    f"let {context.name} have  code: [c1, c2]")
        hidden = nn.Sequential(nn.Linear(flat_size(inputs), self.hidden), nn.BatchNorm1d(self.hidden),
                               nn.LeakyReLU(self.slope))
        centre = nn.Linear(self.hidden, context.code.size)
        spread = nn.Linear(self.hidden, context.code.size) if self.std == "learned" else None
        return with_small_weights(GuessHead(hidden, centre, spread, context))
