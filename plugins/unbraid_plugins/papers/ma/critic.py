"""The critic of images."""

from __future__ import annotations

import attrs
from attrs.validators import ge
from torch import Tensor, nn

from unbraid import Context, critic
from unbraid_plugins.shared.convnets.inputs import image_shape
from unbraid_plugins.shared.convnets.wrappers import Signed


@critic
@attrs.frozen(kw_only=True)
class Critic:
    """D: four 5 x 5 convolutions of stride 2 with batch normalisation, then a linear layer to a score, as in DCGAN.

    Images (B, C, H, W) in [0, 1] -> scores (B, 1), logits.

    width: channels of the first layer, 64 in the authors' code; then 2, 4, 8 times as many.
    """

    width: int = attrs.field(default=64, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        here, height, width = image_shape(context.name, inputs)
        layers: list[nn.Module] = []
        for level in range(4):
            there = self.width * 2 ** level
            layers.append(nn.Conv2d(here, there, 5, stride=2, padding=2, bias=not level))    # a norm removes a bias
            layers += [nn.BatchNorm2d(there)] if level else []
            layers.append(nn.LeakyReLU(0.2))
            here, height, width = there, (height + 1) // 2, (width + 1) // 2
        body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(here * height * width, 1))
        for m in body:
            if isinstance(m, nn.Conv2d | nn.Linear):
                nn.init.normal_(m.weight, std=0.02)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
        return Signed(body)
