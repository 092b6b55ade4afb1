"""The networks of the large study (Locatello et al. 2019, table 1). The study uses no others."""

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


def glorot(module: nn.Module) -> nn.Module:
    """Initialise a module with Glorot's uniform weights and zero biases, as the study's library does, and return it."""
    for m in module.modules():
        if isinstance(m, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(m.weight)
            if m.bias is not None:
                nn.init.zeros_(m.bias)
    return module


@encoder
@attrs.frozen(kw_only=True)
class StudyEncoder:
    """The study's encoder: 309,204 weights for 64 x 64 images of one channel and 10 latents.

    Image (B, C, H, W), sides multiples of 16 (64 in the study) -> Gaussian over the code, (B, D).
    """

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        channels, height, width = one_image(context, inputs)
        h, w = sixteenth(context, height, width)
        trunk = nn.Sequential(                                                  # 64 x 64
            nn.Conv2d(channels, 32, 4, stride=2, padding=1), relu(),            # 32 x 32
            nn.Conv2d(32, 32, 4, stride=2, padding=1), relu(),                  # 16 x 16
            nn.Conv2d(32, 64, 2, stride=2), relu(),                             # 8 x 8
            nn.Conv2d(64, 64, 2, stride=2), relu(),                             # 4 x 4
            nn.Flatten(), nn.Linear(64 * h * w, 256), relu())
        return glorot(GaussianEncoder(trunk, 256, context.code.size))


@generator
@attrs.frozen(kw_only=True)
class StudyGenerator:
    """The study's decoder: 381,313 weights for 64 x 64 images of one channel and 10 latents.

    Codes (B, D) -> logits (B, C, H, W), sides multiples of 16 (64 in the study).  output: logits, or sigmoid, tanh for
    pixels in [0, 1].
    """

    output: Output = attrs.field(default="logits", validator=in_(get_args(Output)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        channels, height, width = context.image
        h, w = sixteenth(context, height, width)
        body = nn.Sequential(
            nn.Linear(flat_size(inputs), 256), relu(),
            nn.Linear(256, 64 * h * w), relu(), nn.Unflatten(1, (64, h, w)),    # 4 x 4
            Enlarging(64, 64, 4, stride=2, padding=1), relu(),                  # 8 x 8
            Enlarging(64, 32, 4, stride=2, padding=1), relu(),                  # 16 x 16
            Enlarging(32, 32, 4, stride=2, padding=1), relu(),                  # 32 x 32
            Enlarging(32, channels, 4, stride=2, padding=1))                    # 64 x 64
        return glorot(CodeDecoder(body, self.output))
