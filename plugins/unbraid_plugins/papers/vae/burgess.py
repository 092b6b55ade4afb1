"""The networks of Understanding disentangling in beta-VAE (Burgess et al. 2018, appendix A.1)."""

from __future__ import annotations

from typing import get_args

import attrs
from attrs.validators import in_
from torch import Tensor, nn

from unbraid import Context, encoder, generator
from unbraid_plugins.papers.vae.heads import CodeDecoder, GaussianEncoder, one_image, sixteenth
from unbraid_plugins.shared.convnets.inputs import flat_size
from unbraid_plugins.shared.convnets.layers import relu
from unbraid_plugins.shared.convnets.pixels import Output
from unbraid_plugins.shared.convnets.transposed import Enlarging


@encoder
@attrs.frozen(kw_only=True)
class BurgessEncoder:
    """Four 4 x 4 convolutions of 32 channels, two linear layers of 256.

    Image (B, C, H, W), sides multiples of 16 (64 in the paper) -> Gaussian over the code, (B, D).
    """

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        channels, height, width = one_image(context, inputs)
        h, w = sixteenth(context, height, width)
        trunk = nn.Sequential(
            nn.Conv2d(channels, 32, 4, stride=2, padding=1), relu(),
            nn.Conv2d(32, 32, 4, stride=2, padding=1), relu(),
            nn.Conv2d(32, 32, 4, stride=2, padding=1), relu(),
            nn.Conv2d(32, 32, 4, stride=2, padding=1), relu(),
            nn.Flatten(), nn.Linear(32 * h * w, 256), relu(), nn.Linear(256, 256), relu())
        return GaussianEncoder(trunk, 256, context.code.size)


@generator
@attrs.frozen(kw_only=True)
class BurgessGenerator:
    """The mirror of burgess_encoder.

    Codes (B, D) -> logits (B, C, H, W), sides multiples of 16 (64 in the paper).  output: logits, or sigmoid, tanh for
    pixels in [0, 1].
    """

    output: Output = attrs.field(default="logits", validator=in_(get_args(Output)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        channels, height, width = context.image
        h, w = sixteenth(context, height, width)
        body = nn.Sequential(
            nn.Linear(flat_size(inputs), 256), relu(), nn.Linear(256, 256), relu(),
            nn.Linear(256, 32 * h * w), relu(), nn.Unflatten(1, (32, h, w)),
            Enlarging(32, 32, 4, stride=2, padding=1), relu(),
            Enlarging(32, 32, 4, stride=2, padding=1), relu(),
            Enlarging(32, 32, 4, stride=2, padding=1), relu(),
            Enlarging(32, channels, 4, stride=2, padding=1))
        return CodeDecoder(body, self.output)
