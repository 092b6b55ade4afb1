"""The appearance encoder: features of the whole image, and the codes of seven body parts and of the background.

The recipe multiplies the features by the mask of the person for the parts, and by 1 - mask for the background.
"""

from __future__ import annotations

import attrs
import torch
from attrs.validators import ge
from torch import Tensor, nn

from unbraid import Context, UnbraidError, encoder, network
from unbraid_plugins.papers.ma.blocks import ResidualPair, conv, first_weights, levels, pyramid
from unbraid_plugins.shared.convnets.inputs import image_shape
from unbraid_plugins.shared.convnets.wrappers import Signed
from unbraid_plugins.shared.torchvision_pair import torchvision_part


@network
@attrs.frozen(kw_only=True)
class Stem:
    """The features of which parts and background are cut: a convolution and a residual pair.

    Image (B, C, H, W) in [0, 1] -> (B, width, H, W).  width: h in the authors' code, 128.
    """

    width: int = attrs.field(default=128, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        channels, _, _ = image_shape(context.name, inputs)
        return Signed(first_weights(nn.Sequential(conv(channels, self.width), nn.ReLU(), ResidualPair(self.width))))


class Descent(nn.Module):
    """A pyramid of residual pairs, and a linear layer to a code."""

    def __init__(self, here: int, size: tuple[int, int], width: int, out: int) -> None:
        super().__init__()
        sizes = levels(size)
        pairs, strides = pyramid(here, width, len(sizes))
        layers: list[nn.Module] = [pairs[0]]
        for stride, pair in zip(strides, pairs[1:], strict=True):
            layers += [stride, nn.ReLU(), pair]
        last = sizes[-1][0] * sizes[-1][1] * (width * len(sizes) if len(sizes) > 1 else here)
        self.body = first_weights(nn.Sequential(*layers, nn.Flatten(), nn.Linear(last, out)))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out)."""
        return self.body(features)


class Parts(nn.Module):
    """Crops of the features at boxes, each of which one network encodes."""

    def __init__(self, crop: int, body: nn.Module) -> None:
        super().__init__()
        self.crop, self.body = crop, body
        torchvision_part("ops")                    # or an error that says why it does not work

    def forward(self, features: Tensor, boxes: Tensor, visible: Tensor | None = None) -> Tensor:
        """Features (B, C, H, W), boxes (B, P, 4), visibility (B, P) -> (B, P * d); 0 for a part that is not seen."""
        from torchvision.ops import roi_align  # imports torch's compiler

        batch, count = boxes.shape[:2]
        number = torch.arange(batch, device=boxes.device, dtype=boxes.dtype).repeat_interleave(count)
        rows = torch.cat([number[:, None], boxes.flatten(0, 1)], 1).to(features.dtype)          # (B P, 5)
        crops = roi_align(features, rows, self.crop, aligned=True)                              # (B P, C, 48, 48)
        codes = self.body(crops).unflatten(0, (batch, count))
        return (codes if visible is None else codes * visible.unsqueeze(-1)).flatten(1)


@encoder
@attrs.frozen(kw_only=True)
class PartEncoder:
    """The foreground's code: every part is cut out at its box, scaled to a square, and encoded by one shared network.

    Masked features (B, C, H, W), boxes (B, P, 4) in pixels, visibility (B, P) -> code (B, D), D / P numbers for each
    part; those of a part that is not visible are 0. Without the third argument all parts count as visible.

    width: h in the authors' code, 128.
    crop: the side of the square, 48 in the authors' code.
    """

    width: int = attrs.field(default=128, validator=ge(1))
    crop: int = attrs.field(default=48, validator=ge(8))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for features and boxes of these shapes."""
        if len(inputs) not in (2, 3) or inputs[0].ndim != 4 or inputs[1].ndim != 3 or inputs[1].shape[2] != 4:
            raise UnbraidError(f"{context.name} encodes features at the boxes of body parts",
                               hint=f"call it so: {context.name}(h * drawn.mask, drawn.boxes, drawn.visible)")
        parts = inputs[1].shape[1]
        if context.code.size == 0 or context.code.size % parts:
            raise UnbraidError(f"{context.name} makes as many numbers for each of {parts} parts; the recipe's code has "
                               f"{context.code.size}", hint=f"code: {{foreground: {parts} x 32}}")
        return Parts(self.crop, Descent(inputs[0].shape[1], (self.crop, self.crop), self.width,
                                        context.code.size // parts))


@encoder
@attrs.frozen(kw_only=True)
class BackgroundEncoder:
    """The background's code: a pyramid of residual pairs on the features outside the mask, then a linear layer.

    Masked features (B, C, H, W) -> code (B, D).  width: h in the authors' code, 128.
    """

    width: int = attrs.field(default=128, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for features of this shape."""
        channels, height, width = image_shape(context.name, inputs)
        if not context.code.size:
            raise UnbraidError(f"{context.name} should make a code, but the recipe declares none",
                               hint="code: {background: 128}")
        return Descent(channels, (height, width), self.width, context.code.size)
