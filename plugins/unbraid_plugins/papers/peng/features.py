"""The network of the rich feature e, from which every other feature of the method is read: CASIA-Net."""

from __future__ import annotations

from typing import Literal, get_args

import attrs
from attrs.validators import ge, in_
from torch import Tensor, nn

from unbraid import Context, network
from unbraid_plugins.shared.convnets.inputs import image_shape
from unbraid_plugins.shared.convnets.layers import norm_layer, relu, with_first_weights
from unbraid_plugins.shared.convnets.strided import halves
from unbraid_plugins.shared.convnets.wrappers import Signed

Norm = Literal["none", "batch"]
TIMES = ((1, 2), (2, 4), (3, 6), (4, 8), (5, 10))  # channels of CASIA-Net's five blocks, in widths of 32
POOLED = 4                                         # the last block is averaged instead


@network
@attrs.frozen(kw_only=True)
class RichFeatures:
    """The rich feature e of a face: the ten convolutions of CASIA-Net (Yi et al. 2014), their mean, one linear layer.

    Image (B, C, H, W) in [0, 1] -> e (B, features), unbounded.

    features: 512 in the paper.
    width: channels of the first convolution, 32 in CASIA-Net; the others have 2 to 10 times as many.
    norm: "batch" normalises after each convolution; CASIA-Net itself has "none".

    Each of the first four blocks ends in a pooling that halves the image, unless a side has 4 pixels or less.
    """

    features: int = attrs.field(default=512, validator=ge(1))
    width: int = attrs.field(default=32, validator=ge(1))
    norm: Norm = attrs.field(default="batch", validator=in_(get_args(Norm)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        here, *size = image_shape(context.name, inputs)
        sizes = halves((size[0], size[1]), until=4)
        layers: list[nn.Module] = []
        for block, times in enumerate(TIMES):
            now = sizes[min(block, len(sizes) - 1)]
            for t in times:
                there = t * self.width
                layers += [nn.Conv2d(here, there, 3, padding=1, bias=self.norm == "none"),
                           *norm_layer(self.norm, there, now), relu()]
                here = there
            if block < min(POOLED, len(sizes) - 1):
                layers.append(nn.MaxPool2d(2, ceil_mode=True))
        del layers[-1]                             # the last convolution has no ReLU, as in CASIA-Net
        return Signed(with_first_weights(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                                                       nn.Linear(here, self.features))))
