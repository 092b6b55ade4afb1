"""Outer modules of encoders, critics and generators: they join the inputs, call a body, and scale images."""

from __future__ import annotations

from typing import Any

import attrs
from torch import Tensor, nn

from unbraid import Context
from unbraid_plugins.shared.convnets.feature_sizes import Size, channels, halvings, rung
from unbraid_plugins.shared.convnets.inputs import flat_size, map_shape, maps, vectors
from unbraid_plugins.shared.convnets.layers import with_first_weights


class Looking(nn.Module):
    """head(trunk(inputs)), with the inputs concatenated as feature maps (`inputs.maps`)."""

    def __init__(self, trunk: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.trunk, self.head = trunk, head

    def forward(self, *inputs: Tensor) -> Any:
        """Images (B, C, H, W) and vectors (B, d) -> the head's output."""
        return self.head(self.trunk(maps(inputs)))


@attrs.frozen
class FirstMap:
    """The first feature map of a generator.

    module: from codes to the map.
    sizes: of the image and its halvings, down to the map.
    spatial: whether a code is a map already.
    """

    module: nn.Module
    sizes: list[Size]
    spatial: bool

    @property
    def levels(self) -> int:
        """The number of doublings from the map to the image."""
        return len(self.sizes) - 1


def first_map(context: Context, inputs: tuple[Tensor, ...], width: int) -> FirstMap:
    """Return a linear layer from vectors to a map of side at most 4, or a 3 x 3 convolution of a spatial code."""
    sizes = halvings(*context.image[1:])
    given = map_shape(context.name, inputs)
    if given is None:
        top = channels(width, len(sizes) - 1), *sizes[-1]
        linear = nn.Linear(flat_size(inputs), top[0] * top[1] * top[2])
        return FirstMap(nn.Sequential(with_first_weights(linear), nn.Unflatten(1, top)), sizes, False)
    levels = rung(sizes, given[1:])
    while len(sizes) <= levels:
        sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
    conv = nn.Conv2d(given[0], channels(width, max(levels, 1)), 3, padding=1)
    return FirstMap(with_first_weights(conv), sizes[:levels + 1], True)


class Making(nn.Module):
    """body(first(inputs)), with the inputs concatenated as one vector, or as maps where one of them is a map."""

    def __init__(self, first: FirstMap, body: nn.Module) -> None:
        super().__init__()
        self.first, self.body, self.spatial = first.module, body, first.spatial

    def forward(self, *codes: Tensor) -> Tensor:
        """Codes (B, d) or (B, d, h, w) -> image (B, C, H, W)."""
        return self.body(self.first(maps(codes) if self.spatial else vectors(codes)))


class Signed(nn.Module):
    """A body on images that are concatenated along the channels and scaled from [0, 1] to [-1, 1]."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, *images: Tensor) -> Tensor:
        """(B, C, H, W), ... -> the body's output."""
        return self.body(2 * maps(images) - 1)


class Unsigned(nn.Module):
    """A body on concatenated codes; its output is scaled from [-1, 1] to [0, 1]."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, *codes: Tensor) -> Tensor:
        """(B, D), ... -> images (B, C, H, W) in [0, 1]."""
        return 0.5 * (self.body(vectors(codes)[..., None, None]) + 1)
