"""Modules that the networks of the family share: from features to a Gaussian, and from codes to an image."""

from __future__ import annotations

from torch import Tensor, nn

from unbraid import Context, Gaussian, UnbraidError
from unbraid_plugins.shared.convnets.inputs import image_shape, vectors
from unbraid_plugins.shared.convnets.pixels import Output, Pixels


class GaussianEncoder(nn.Module):
    """Images (B, C, H, W) -> Gaussian over (B, D): two linear layers, mu and log sigma^2, on the trunk's features."""

    def __init__(self, trunk: nn.Module, features: int, size: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.mean = nn.Linear(features, size)
        self.logvar = nn.Linear(features, size)

    def forward(self, image: Tensor) -> Gaussian:
        """Return q(z | x)."""
        features = self.trunk(image)
        return Gaussian(self.mean(features), self.logvar(features))


class CodeDecoder(nn.Module):
    """Codes (B, D), several are concatenated -> logits or pixels (B, C, H, W)."""

    def __init__(self, body: nn.Module, output: Output) -> None:
        super().__init__()
        self.body, self.pixels = body, Pixels(output)

    def forward(self, *codes: Tensor) -> Tensor:
        """Return the logits of p(x | z), or pixels."""
        return self.pixels(self.body(vectors(codes)))


def one_image(context: Context, inputs: tuple[Tensor, ...]) -> tuple[int, int, int]:
    """Return (C, H, W) of an encoder's image.  Raises UnbraidError for several images, or if the recipe has no code."""
    shape = image_shape(context.name, inputs)
    if len(inputs) > 1:
        raise UnbraidError(f"{context.name} looks at one image, but is called with {len(inputs)} values",
                           hint="conv_encoder looks at several")
    if not context.code.size:
        raise UnbraidError(f"{context.name} should make a code, but the recipe declares none",
                           hint="add for example  code: {z: 10}")
    return shape


def sixteenth(context: Context, height: int, width: int) -> tuple[int, int]:
    """Return the size after four halvings.  Raises UnbraidError for an image whose sides are no multiples of 16."""
    if height % 16 or width % 16 or not height or not width:
        raise UnbraidError(f"{context.name} halves the image four times; {height} x {width} is no multiple of 16",
                           hint="resize the images (the papers have 64 x 64), or take conv_encoder and conv_generator")
    return height // 16, width // 16
