"""The descriptor phi of an image where nothing is learned: histograms of oriented gradients."""

from __future__ import annotations

import math

import attrs
import torch
from attrs.validators import ge
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, normalize, pad, unfold

from unbraid import Context, UnbraidError, network

CLIP = 0.2                                         # the largest entry of a block before it is normalised again
TINY = 1e-4                                        # squared: the contrast below which a block counts as flat


@network
@attrs.frozen(kw_only=True)
class Hog:
    """Histograms of oriented gradients (Dalal & Triggs 2005), with gradients to the image.

    Images (B, C, H, W) in [0, 1] -> descriptors (B, K) of length 1. An image without any contrast gets 0.

    cell: side of a cell in pixels.
    bins: orientations of a gradient over half a turn; its sign does not count.
    """

    cell: int = attrs.field(default=8, validator=ge(2))
    bins: int = attrs.field(default=9, validator=ge(2))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Return a module without weights.  Raises UnbraidError for images of less than 2 x 2 cells."""
        side = min(inputs[0].shape[-2:])
        if side < 2 * self.cell:
            raise UnbraidError(f"{context.name}: an image of side {side} has no two cells of {self.cell} pixels",
                               hint=f"take smaller ones, cell: {max(side // 4, 2)}, or larger images")
        return Gradients(self.cell, self.bins)


class Gradients(nn.Module):
    """The module of `Hog`."""

    def __init__(self, cell: int, bins: int) -> None:
        super().__init__()
        self.cell, self.bins = cell, bins

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, K)."""
        size, orientation = _gradients(image.mean(1, keepdim=True))
        centres = (torch.arange(self.bins, device=image.device) + 0.5) * (math.pi / self.bins)
        away = (orientation - centres[:, None, None] + math.pi / 2).remainder(math.pi) - math.pi / 2
        shares = (1 - away.abs() * (self.bins / math.pi)).clamp_min(0)              # of the two nearest bins
        cells = avg_pool2d(size * shares, self.cell)                                # (B, bins, H / cell, W / cell)
        blocks = unfold(cells, 2)                                                   # (B, 4 bins, blocks)
        blocks = _unit(_unit(blocks).clamp_max(CLIP))
        return normalize(blocks.flatten(1), dim=1)


def _gradients(grey: Tensor) -> tuple[Tensor, Tensor]:
    """Return sizes and orientations of the central differences, (B, 1, H, W), finite gradients on flat images too."""
    wide = pad(grey, (1, 1, 1, 1), mode="replicate")
    across, down = wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2], wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]
    square = across.square() + down.square()
    flat = square < 1e-12
    size = torch.where(flat, 0.0, torch.where(flat, 1.0, square).sqrt())
    return size, torch.atan2(torch.where(flat, 0.0, down), torch.where(flat, 1.0, across))


def _unit(blocks: Tensor) -> Tensor:
    return blocks / (blocks.square().sum(1, keepdim=True) + TINY).sqrt()
