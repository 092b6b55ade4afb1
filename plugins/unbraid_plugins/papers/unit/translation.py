"""The networks for translation, as in the authors' code: for images of any size, with a spatial code.

Images are in [-1, 1] inside the networks and in [0, 1] outside.
"""

from __future__ import annotations

from typing import Literal

import attrs
import torch
from attrs.validators import ge, in_
from torch import Tensor, nn

from unbraid import Context, Gaussian, UnbraidError, critic, encoder, generator, network
from unbraid_plugins.papers.unit.blocks import SLOPE, Painted, code_channels, feature_map, one_image, residuals
from unbraid_plugins.shared.convnets.wrappers import Signed


@network
@attrs.frozen(kw_only=True)
class Front:
    """The first layers of a domain's encoder: three convolutions and residual blocks.

    Image (B, C, H, W) in [0, 1], sides multiples of 4 -> (B, 4 width, H/4, W/4).

    width: channels of the first layer, 64 in the paper.
    blocks: residual blocks, 3 in the paper; the paper's fourth is shared (unit.inner).
    """

    width: int = attrs.field(default=64, validator=ge(1))
    blocks: int = attrs.field(default=3, validator=ge(0))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        channels, _, _ = one_image(context, inputs, 4)
        w = self.width
        return Signed(nn.Sequential(
            nn.Conv2d(channels, w, 7, padding=3), nn.LeakyReLU(SLOPE),
            nn.Conv2d(w, 2 * w, 3, stride=2, padding=1), nn.LeakyReLU(SLOPE),
            nn.Conv2d(2 * w, 4 * w, 3, stride=2, padding=1), nn.LeakyReLU(SLOPE), *residuals(4 * w, self.blocks)))


class Around(nn.Module):
    """A Gaussian with the body's output as its mean; its variance is 1, or made by a 1 x 1 convolution."""

    def __init__(self, body: nn.Module, channels: int, learned: bool) -> None:
        super().__init__()
        self.body = body
        self.logvar = nn.Conv2d(channels, channels, 1) if learned else None

    def forward(self, features: Tensor) -> Gaussian:
        """(B, c, h, w) -> a Gaussian over codes of the same shape."""
        mean = self.body(features)
        return Gaussian(mean, torch.zeros_like(mean) if self.logvar is None else self.logvar(mean))


@encoder
@attrs.frozen(kw_only=True)
class Inner:
    """The last layers of the encoder, shared by both domains: residual blocks, then a Gaussian.

    (B, c, h, w) -> Gaussian over codes (B, c, h, w).

    blocks: residual blocks, 1 in the paper.
    variance: fixed, 1 everywhere, as in the authors' code; or learned, by a 1 x 1 convolution, as in the paper.
    """

    blocks: int = attrs.field(default=1, validator=ge(0))
    variance: Literal["fixed", "learned"] = attrs.field(default="fixed", validator=in_(("fixed", "learned")))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for maps of this shape."""
        channels, _, _ = feature_map(context, inputs)
        code_channels(context, channels)
        return Around(nn.Sequential(*residuals(channels, self.blocks)), channels, self.variance == "learned")


@network
@attrs.frozen(kw_only=True)
class Outer:
    """The first layers of the generator, shared by both domains: (B, c, h, w) -> the same shape.

    blocks: residual blocks, 1 in the paper.
    """

    blocks: int = attrs.field(default=1, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        return nn.Sequential(*residuals(feature_map(context, inputs)[0], self.blocks))


@generator
@attrs.frozen(kw_only=True)
class Back:
    """The last layers of a domain's generator: residual blocks and transposed convolutions.

    (B, c, h, w), c a multiple of 4 -> image (B, C, 4 h, 4 w) in [0, 1].

    blocks: residual blocks, 3 in the paper; the paper's fourth is shared (unit.outer).
    """

    blocks: int = attrs.field(default=3, validator=ge(0))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for maps of this shape."""
        c, _, _ = feature_map(context, inputs)
        if c % 4:
            raise UnbraidError(f"{context.name} halves its channels twice; {c} is no multiple of 4")
        return Painted(nn.Sequential(
            *residuals(c, self.blocks),
            nn.ConvTranspose2d(c, c // 2, 3, stride=2, padding=1, output_padding=1), nn.LeakyReLU(SLOPE),
            nn.ConvTranspose2d(c // 2, c // 4, 3, stride=2, padding=1, output_padding=1), nn.LeakyReLU(SLOPE),
            nn.ConvTranspose2d(c // 4, context.image[0], 1), nn.Tanh()))


@critic
@attrs.frozen(kw_only=True)
class Look:
    """The first layers of a domain's critic.

    Image (B, C, H, W) in [0, 1], sides multiples of 4 -> (B, 2 width, H/4, W/4).  width: 64 in the paper.
    """

    width: int = attrs.field(default=64, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        channels, _, _ = one_image(context, inputs, 4)
        return Signed(nn.Sequential(nn.Conv2d(channels, self.width, 7, stride=2, padding=3), nn.LeakyReLU(SLOPE),
                                    nn.Conv2d(self.width, 2 * self.width, 3, stride=2, padding=1),
                                    nn.LeakyReLU(SLOPE)))


@critic
@attrs.frozen(kw_only=True)
class Critic:
    """The last layers of the critic, shared by both domains: strided convolutions to a map of scores.

    (B, c, h, w) -> scores (B, 1, h', w'), logits, one for each patch.

    layers: convolutions of stride 2, 4 in the paper; fewer if a side gets down to 1.
    """

    layers: int = attrs.field(default=4, validator=ge(0))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for maps of this shape."""
        c, height, width = feature_map(context, inputs)
        body: list[nn.Module] = []
        for _ in range(self.layers):
            if min(height, width) < 2:
                break
            body += [nn.Conv2d(c, 2 * c, 3, stride=2, padding=1), nn.LeakyReLU(SLOPE)]
            c, height, width = 2 * c, (height + 1) // 2, (width + 1) // 2
        return nn.Sequential(*body, nn.Conv2d(c, 1, 1))
