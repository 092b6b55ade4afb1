"""The generator: a U-Net on the codes of appearance, repeated at every pixel, and the maps of the joints."""

from __future__ import annotations

from typing import Literal

import attrs
import torch
from attrs.validators import ge, in_
from torch import Tensor, nn
from torch.nn import functional

from unbraid import Context, UnbraidError, generator
from unbraid_plugins.papers.ma.blocks import ResidualPair, conv, first_weights, levels, pyramid
from unbraid_plugins.shared.convnets.inputs import map_shape, maps


class TiledUNet(nn.Module):
    """Down to a small map, through a few numbers, and up again with what was seen on the way down."""

    def __init__(self, here: int, size: tuple[int, int], width: int, neck: int, made: int) -> None:
        super().__init__()
        sizes = levels(size)
        self.sizes = sizes
        self.first = nn.Sequential(conv(here, width), nn.ReLU())
        down, strides = pyramid(width, width, len(sizes))
        self.down, self.strides = nn.ModuleList(down), nn.ModuleList(strides)
        last = width * len(sizes)
        self.lowest = (last, *sizes[-1])
        places = sizes[-1][0] * sizes[-1][1]
        self.neck = nn.Sequential(nn.Flatten(), nn.Linear(last * places, neck), nn.Linear(neck, width * places))
        up, narrow = [], []                        # each step up: beside what was seen there, then enlarged
        above = width
        for level in reversed(range(len(sizes))):
            up.append(ResidualPair(above + width * (level + 1)))
            if level:
                narrow.append(nn.Conv2d(above + width * (level + 1), width * level, 1))
            above, wide = width * level, above + width * (level + 1)
        self.up, self.narrow = nn.ModuleList(up), nn.ModuleList(narrow)
        self.last = conv(wide, made)
        first_weights(self)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Codes (B, d) and maps (B, n, H, W) -> numbers (B, C, H, W)."""
        x = self.first(maps(inputs))
        seen = []
        for level, pair in enumerate(self.down):
            x = pair(x)
            seen.append(x)
            if level < len(self.strides):
                x = functional.relu(self.strides[level](x))
        x = self.neck(x).unflatten(1, (-1, *self.lowest[1:]))
        for step, pair in enumerate(self.up):
            x = pair(torch.cat([x, seen.pop()], 1))
            if step < len(self.narrow):
                size = self.sizes[len(self.sizes) - 2 - step]
                x = functional.relu(self.narrow[step](functional.interpolate(x, size=size, mode="nearest")))
        return self.last(x)


class Unscaled(nn.Module):
    """A body whose numbers in [-1, 1] become pixels in [0, 1]."""

    def __init__(self, body: nn.Module, output: str) -> None:
        super().__init__()
        self.body, self.output = body, output

    def forward(self, *inputs: Tensor) -> Tensor:
        """Codes and maps -> image (B, C, H, W)."""
        made = self.body(*inputs)
        return 0.5 * ((made.tanh() if self.output == "tanh" else made) + 1)


@generator
@attrs.frozen(kw_only=True)
class Generator:
    """A U-Net of residual pairs on the tiled codes and the pose's maps; no pixel of the input image reaches it.

    Codes (B, d), any number of them, and maps (B, n, H, W) of the image's size -> image (B, C, H, W) in [0, 1].

    width: h in the authors' code, 128.
    neck: the numbers between the way down and the way up, 64 in the authors' code.
    output: tanh; or linear, as in the authors' code, whose pixels may leave [0, 1].
    """

    width: int = attrs.field(default=128, validator=ge(1))
    neck: int = attrs.field(default=64, validator=ge(1))
    output: Literal["tanh", "linear"] = attrs.field(default="tanh", validator=in_(("tanh", "linear")))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes and maps of these shapes."""
        given = map_shape(context.name, inputs)
        if given is None or given[1:] != tuple(context.image[1:]):
            raise UnbraidError(f"{context.name} paints on maps of the image's size, {context.image[1]} x "
                               f"{context.image[2]}", hint="give it the codes and the maps of the joints: "
                               f"{context.name}(foreground, background, drawn.maps)")
        body = TiledUNet(given[0], given[1:], self.width, self.neck, context.image[0])
        return Unscaled(body, self.output)
