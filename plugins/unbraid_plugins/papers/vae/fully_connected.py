"""The fully connected networks of beta-VAE for dSprites (Higgins et al. 2017, appendix)."""

from __future__ import annotations

from typing import get_args

import attrs
from attrs.validators import in_
from torch import Tensor, nn

from unbraid import Context, encoder, generator
from unbraid_plugins.papers.vae.heads import CodeDecoder, GaussianEncoder, one_image
from unbraid_plugins.shared.convnets.inputs import flat_size
from unbraid_plugins.shared.convnets.pixels import Output


@encoder
@attrs.frozen(kw_only=True)
class FcEncoder:
    """Two linear layers of 1200 with ReLU.

    Image (B, C, H, W) of any size -> Gaussian over the code, (B, D).
    """

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        channels, height, width = one_image(context, inputs)
        trunk = nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, 1200), nn.ReLU(),
                              nn.Linear(1200, 1200), nn.ReLU())
        return GaussianEncoder(trunk, 1200, context.code.size)


@generator
@attrs.frozen(kw_only=True)
class FcGenerator:
    """Three linear layers of 1200 with tanh.

    Codes (B, D) -> logits (B, C, H, W) of any size.  output: logits, or sigmoid, tanh for pixels in [0, 1].
    """

    output: Output = attrs.field(default="logits", validator=in_(get_args(Output)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        channels, height, width = context.image
        body = nn.Sequential(nn.Linear(flat_size(inputs), 1200), nn.Tanh(), nn.Linear(1200, 1200), nn.Tanh(),
                             nn.Linear(1200, 1200), nn.Tanh(), nn.Linear(1200, channels * height * width),
                             nn.Unflatten(1, context.image))
        return CodeDecoder(body, self.output)
