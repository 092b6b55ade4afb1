"""The critic that is an autoencoder: its energy is the error of its copy (Zhao, Mathieu, LeCun 2017)."""

from __future__ import annotations

import attrs
from attrs.validators import ge
from torch import Tensor, nn

from unbraid import Context, loss, network
from unbraid_plugins.papers.intrinsic_faces.networks import ascent, descent
from unbraid_plugins.shared.convnets.inputs import image_shape
from unbraid_plugins.shared.convnets.layers import with_first_weights
from unbraid_plugins.shared.losses.reconstruction import same_shape


@network
@attrs.frozen(kw_only=True)
class EnergyAutoencoder:
    """D: the encoder's layers to a bottleneck in (0, 1), and a decoder's back to an image.

    Image (B, C, H, W), sides multiples of 8 -> its copy (B, C, H, W) in [0, 1]; the error of the copy is the energy.

    width: channels of the largest feature maps, 96 in the paper.
    bottleneck: its dimension, 128 in the paper.
    """

    width: int = attrs.field(default=96, validator=ge(4))
    bottleneck: int = attrs.field(default=128, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        image = image_shape(context.name, inputs)
        body = [*descent(context.name, image, self.width, self.bottleneck),
                *ascent(context.name, image, self.width, self.bottleneck, "relu"), nn.Sigmoid()]
        return with_first_weights(nn.Sequential(*body))


@loss
def energy(copy: Tensor, image: Tensor) -> Tensor:
    """Energy of images, low for those like real ones (Zhao et al. 2017, eq. 2):  mean (D(x) - x)^2.

    The generator's loss: it makes images that the critic copies well.

    copy: D(x), (B, C, H, W); image: x, the same shape.  Returns a scalar.  Raises ValueError where the shapes differ.
    """
    same_shape("energy", copy, image)
    return (copy - image).square().mean()


@loss
def tell_apart(real_copy: Tensor, real: Tensor, fake_copy: Tensor, fake: Tensor, *, margin: float = 20.0) -> Tensor:
    """The critic's loss (Zhao et al. 2017, eq. 1):  e(x) + mean max(0, margin - e(y)),  e(x) = mean (D(x) - x)^2.

    One step of the critic lowers the energy of real images, and raises that of generated ones up to the margin.

    real_copy, real: D(x) and x, (B, C, H, W).
    fake_copy, fake: D(y) and y, the same shapes.
    margin: 20 in the authors' code, which no error of images in [0, 1] reaches; 0.05 is within reach.

    Returns a scalar.  Raises ValueError where shapes differ, or for a margin that is not positive.
    """
    same_shape("tell_apart", real_copy, real)
    same_shape("tell_apart", fake_copy, fake)
    if margin <= 0:
        raise ValueError(f"tell_apart needs a positive margin; it is {margin}")
    away = (fake_copy - fake).square().flatten(1).mean(1)
    return energy(real_copy, real) + (margin - away).clamp_min(0).mean()
