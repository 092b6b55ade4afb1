"""The layers of CASIA-Net (Yi et al. 2014) as the paper has them: 3 x 3 convolutions, batch normalisation, ELU.

Going down, five levels with the channels of LEVELS times the width, each but the first begun by a stride of 2: 96, 48,
24, 12, 6. Odd sides are rounded up. Uneven padding is on the right and below; on the way up, it is cut there.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

Size = tuple[int, int]

LEVELS = ((1, 2), (2, 2, 4), (4, 3, 6), (6, 4, 8), (8, 5, 10))         # x 32: 32, 64 | 64, 64, 128 | ... 160, 320


def sizes(height: int, width: int) -> list[Size]:
    """Return the sides of the maps of all levels.

    >>> sizes(96, 50)
    [(96, 50), (48, 25), (24, 13), (12, 7), (6, 4)]
    """
    found = [(height, width)]
    for _ in LEVELS[1:]:
        found.append(((found[-1][0] + 1) // 2, (found[-1][1] + 1) // 2))
    return found


def plan(layers: int, last: int, width: int) -> list[list[int]]:
    """Return the channels of the convolutions of each level, going down.

    layers: the largest number of convolutions in a level; the last ones are left out where it is less than the paper's
    3, and the level's output channels stay.
    last: channels of the last one.

    >>> plan(3, 320, 32)
    [[32, 64], [64, 64, 128], [128, 96, 192], [192, 128, 256], [256, 160, 320]]
    >>> plan(1, 40, 8)
    [[16], [32], [48], [64], [40]]
    """
    kept = [[*level[:min(layers, len(level)) - 1], level[-1]] for level in LEVELS]
    found = [[width * times for times in level] for level in kept]
    found[-1][-1] = last
    return found


def after(channels: int) -> list[nn.Module]:
    """Return what follows a convolution: batch normalisation and ELU."""
    return [nn.BatchNorm2d(channels), nn.ELU(inplace=True)]


class Down(nn.Module):
    """A 3 x 3 convolution of stride 2; it pads right and below where sides are even, all around where they are odd."""

    def __init__(self, here: int, there: int, size: Size) -> None:
        super().__init__()
        height, width = size
        self.conv = nn.Conv2d(here, there, 3, stride=2)
        self.pad = (width % 2, 1, height % 2, 1)                        # left, right, top, bottom

    def forward(self, x: Tensor) -> Tensor:
        """(B, c, h, w) -> (B, c', (h + 1) // 2, (w + 1) // 2)."""
        return self.conv(functional.pad(x, self.pad))


class Up(nn.Module):
    """A transposed 3 x 3 convolution of stride 2, the mirror of Down: it cuts what Down pads."""

    def __init__(self, here: int, there: int, size: Size) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(here, there, 3, stride=2)
        self.top, self.left = size[0] % 2, size[1] % 2
        self.height, self.width = size

    def forward(self, x: Tensor) -> Tensor:
        """(B, c, (h + 1) // 2, (w + 1) // 2) -> (B, c', h, w)."""
        return self.conv(x)[:, :, self.top:self.top + self.height, self.left:self.left + self.width]


def trunk(image: tuple[int, int, int], channels: list[list[int]], *, activated: bool) -> nn.Sequential:
    """Build the convolutions from an image (C, H, W) to the last map.

    channels: of the convolutions of each level.
    activated: whether an ELU follows the last batch normalisation.
    """
    here, *size = image
    places = sizes(*size)
    layers: list[nn.Module] = []
    for level, outs in enumerate(channels):
        for i, out in enumerate(outs):
            first = level > 0 and i == 0
            layers += [Down(here, out, places[level - 1]) if first else nn.Conv2d(here, out, 3, padding=1), *after(out)]
            here = out
    return nn.Sequential(*layers if activated else layers[:-1])


def painter(first: int, image: tuple[int, int, int], channels: list[list[int]]) -> nn.Sequential:
    """Build the transposed convolutions from the smallest map to an image (C, H, W), the trunk's levels backwards.

    first: channels of the smallest map.
    channels: of the convolutions of each level, going down.

    The last layer has neither normalisation nor ELU.
    """
    made, *size = image
    places, here = sizes(*size), first
    layers: list[nn.Module] = []
    backwards = [list(reversed(level)) for level in reversed(channels)]
    for level, outs in enumerate(backwards):
        rest = outs[1:] if level == 0 or len(outs) > 1 else outs
        if level > 0 and len(outs) > 1:                                 # the stride keeps the channels
            rest = [here, *rest]
        for i, out in enumerate(rest):
            up = level > 0 and i == 0
            layers += [Up(here, out, places[-1 - level]) if up else nn.ConvTranspose2d(here, out, 3, padding=1),
                       *after(out)]
            here = out
    return nn.Sequential(*layers, nn.ConvTranspose2d(here, made, 3, padding=1))
