"""The networks for digits and for the adaptation of their labels (Liu et al. 2017, section 4), 32 x 32.

Images are in [-1, 1] inside the networks and in [0, 1] outside. The critic also predicts the class. It learns classes
on the labelled domain; they hold for the other domain too, because both domains share its last layers.
"""

from __future__ import annotations

import attrs
from attrs.validators import ge
from torch import Tensor, nn
from torch.nn.functional import softplus

from unbraid import Context, Gaussian, Record, UnbraidError, critic, encoder, generator, network
from unbraid_plugins.papers.unit.blocks import SLOPE, Painted, WithPlaces, code_channels, feature_map, one_image
from unbraid_plugins.shared.convnets.wrappers import Signed

SIDE = 32


def _normed(conv: nn.Module, channels: int) -> list[nn.Module]:
    return [conv, nn.BatchNorm2d(channels), nn.LeakyReLU(SLOPE)]


@network
@attrs.frozen(kw_only=True)
class DigitFront:
    """The first layer of a domain's encoder, which also gets the position of each pixel.

    Image (B, C, 32, 32) in [0, 1] -> (B, width, 16, 16).  width: 96 in the authors' code.
    """

    width: int = attrs.field(default=96, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        channels, height, width = one_image(context, inputs, 1)
        if (height, width) != (SIDE, SIDE):
            raise UnbraidError(f"{context.name} takes images of 32 x 32; these are {height} x {width}",
                               hint="set the source's size: 32, or take unit.front")
        return Signed(WithPlaces(nn.Sequential(*_normed(nn.Conv2d(channels + 2, self.width, 5, stride=2, padding=2),
                                                        self.width))))


class DigitGaussian(nn.Module):
    """A Gaussian whose standard deviation is a softplus."""

    def __init__(self, body: nn.Module, channels: int) -> None:
        super().__init__()
        self.body, self.mean, self.std = body, nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, channels, 1)

    def forward(self, features: Tensor) -> Gaussian:
        """(B, c, 16, 16) -> a Gaussian over (B, 8 c, 1, 1)."""
        seen = self.body(features)
        return Gaussian(self.mean(seen), 2 * (softplus(self.std(seen)) + 1e-6).log())


@encoder
@attrs.frozen(kw_only=True)
class DigitInner:
    """The rest of the encoder, shared: (B, c, 16, 16) -> Gaussian over codes (B, 8 c, 1, 1)."""

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for maps of this shape."""
        c, _, _ = feature_map(context, inputs)
        code_channels(context, 8 * c)
        body = nn.Sequential(*_normed(nn.Conv2d(c, 2 * c, 5, stride=2, padding=2), 2 * c),
                             *_normed(nn.Conv2d(2 * c, 4 * c, 8), 4 * c), *_normed(nn.Conv2d(4 * c, 8 * c, 1), 8 * c))
        return DigitGaussian(body, 8 * c)


@network
@attrs.frozen(kw_only=True)
class DigitOuter:
    """The first layers of the generator, shared: codes (B, 8 c, 1, 1) -> (B, 2 c, 16, 16)."""

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        c, height, width = feature_map(context, inputs)
        if (height, width) != (1, 1) or c % 8:
            raise UnbraidError(f"{context.name} continues from a code (B, 8 c, 1, 1); this is {c} x {height} x {width}")
        return nn.Sequential(*_normed(nn.ConvTranspose2d(c, c, 4), c),
                             *_normed(nn.ConvTranspose2d(c, c // 2, 4, stride=2, padding=1), c // 2),
                             *_normed(nn.ConvTranspose2d(c // 2, c // 4, 4, stride=2, padding=1), c // 4))


@generator
@attrs.frozen(kw_only=True)
class DigitBack:
    """The last layers of a domain's generator: (B, 2 c, 16, 16) -> image (B, C, 32, 32) in [0, 1]."""

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for maps of this shape."""
        c, _, _ = feature_map(context, inputs)
        return Painted(nn.Sequential(*_normed(nn.ConvTranspose2d(c, c // 2, 4, stride=2, padding=1), c // 2),
                                     nn.ConvTranspose2d(c // 2, context.image[0], 1), nn.Tanh()))


@critic
@attrs.frozen(kw_only=True)
class DigitLook:
    """The first layer of a domain's critic: image (B, C, H, W) in [0, 1] -> (B, width, H/2, W/2).

    width: 64 in the authors' code.
    """

    width: int = attrs.field(default=64, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        channels, _, _ = one_image(context, inputs, 2)
        return Signed(nn.Sequential(nn.Conv2d(channels, self.width, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                                    nn.Dropout(0.1)))


class Verdicts(nn.Module):
    """A trunk with a head for the score and one for the logits of each label."""

    def __init__(self, trunk: nn.Module, heads: dict[str, nn.Module]) -> None:
        super().__init__()
        self.trunk, self.heads = trunk, nn.ModuleDict(heads)

    def forward(self, seen: Tensor) -> Record:
        """(B, c, 16, 16) -> features (B, n), score (B, 1), and (B, classes) for each label."""
        features = self.trunk(seen).flatten(1)
        return Record({"features": features, **{name: head(features) for name, head in self.heads.items()}})


@critic
@attrs.frozen(kw_only=True)
class DigitCritic:
    """The rest of the critic, shared: a score of how real an image is, and logits of its class.

    (B, c, 16, 16) -> a record: features (B, n), score (B, 1), and logits (B, classes) under the label's name.

    label: the labelled factor to predict.
    """

    label: str

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for maps of this shape."""
        c, height, width = feature_map(context, inputs)
        if self.label not in context.factors:
            raise UnbraidError(f"{context.name}: label: the data has no labelled factor {self.label!r}",
                               hint=f"labelled factors: {', '.join(context.factors) or 'none'}")
        layers: list[nn.Module] = []
        for times, off in ((2, 0.3), (4, 0.5), (8, 0.5)):
            layers += [nn.Conv2d(times * c // 2, times * c, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(off)]
        flat = 8 * c * (height // 8) * (width // 8)
        return Verdicts(nn.Sequential(*layers), {"score": nn.Linear(flat, 1),
                                                 self.label: nn.Linear(flat, context.factors[self.label])})
