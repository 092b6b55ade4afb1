"""G: from noise to a scene, [s, t, b] = G(z)."""

from __future__ import annotations

from typing import get_args

import attrs
import torch
from attrs.validators import ge, gt, in_, instance_of, optional
from torch import Tensor, nn

from unbraid import Context, UnbraidError, generator
from unbraid_plugins.papers.shape3d.grid import Form, blurred, closed, padded, places, unit_ball
from unbraid_plugins.papers.shape3d.scene import Scene, Surface
from unbraid_plugins.shared.convnets.inputs import flat_size, vectors
from unbraid_plugins.shared.convnets.layers import SLOPE, with_first_weights

START = 4                                          # the side of the first feature map
WIDEST = 8                                         # times `width`


@generator
@attrs.frozen(kw_only=True)
class Surfaces:
    """From noise to a scene: one linear layer to 4 x 4, then three stacks of 3 x 3 convolutions and doublings.

    Codes (B, D), several are concatenated -> Scene: a surface of points (B, 3, points, points), a square texture and a
    square background.

    form: sheet, which faces +z; or ball, folded from a square.
    width: channels of the last feature maps; the first have 8 width.
    points: side of the surface, in vertices, odd.
    texture: side of the texture, in pixels; by default that of the image.
    background: side of the background, in pixels; by default three images.
    size: radius of the ball, or half the side of the sheet, at the start of training.
    reach: the most that a coordinate of a vertex can move from its start.
    dome: how much nearer the sheet's middle is than its border at the start of training.
    blur: sigma of a Gaussian kernel over the movement of the vertices, in steps of the grid; 0 for none.
    flat: a billboard, whose depth stays as at the start.
    """

    form: Form = attrs.field(default="sheet", validator=in_(get_args(Form)))
    width: int = attrs.field(default=32, validator=ge(1))
    points: int = attrs.field(default=33, validator=ge(5))
    texture: int | None = attrs.field(default=None, validator=optional(ge(4)))
    background: int | None = attrs.field(default=None, validator=optional(ge(4)))
    size: float = attrs.field(default=0.5, validator=gt(0))
    reach: float = attrs.field(default=0.5, validator=gt(0))
    dome: float = 0.2
    blur: float = attrs.field(default=1.0, validator=ge(0))
    flat: bool = attrs.field(default=False, validator=instance_of(bool))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this size."""
        if self.points % 2 == 0:
            raise UnbraidError(f"{context.name}: points: {self.points} is even",
                               hint=f"a ball is folded along its middle: take {self.points + 1}")
        return SceneMaking(self, context.image, flat_size(inputs))


class SceneMaking(nn.Module):
    """The module of `Surfaces`: a shared first layer, and a stack for each of s, t and b."""

    def __init__(self, options: Surfaces, image: tuple[int, int, int], numbers: int) -> None:
        super().__init__()
        self.options = options
        colours, width = image[0], WIDEST * options.width
        self.first = with_first_weights(nn.Sequential(
            nn.Linear(numbers, width * START * START), nn.Unflatten(1, (width, START, START)), nn.LeakyReLU(SLOPE)))
        self.shape = Stack(options.width, options.points, 3, options.form)
        self.texture = Stack(options.width, options.texture or max(image[1:]), colours, options.form)
        self.background = Stack(options.width, options.background or 3 * max(image[1:]), colours, "sheet")
        nn.init.normal_(self.shape.last.weight, std=1e-3)       # training begins with the ball or the sheet itself
        self.register_buffer("start", starting(options), persistent=False)

    def forward(self, *z: Tensor) -> Scene:
        """Return [s, t, b] = G(z)."""
        maps = self.first(vectors(z))
        return Scene(self.surface(maps), self.texture(maps).sigmoid(), self.background(maps).sigmoid())

    def surface(self, maps: Tensor) -> Surface:
        """Return s: the starting surface plus the movement of its vertices, at most `reach` in each coordinate."""
        o = self.options
        added = self.shape(maps).tanh()
        if o.blur:
            added = blurred(added, o.form, o.blur)
            added = closed(added) if o.form == "ball" else added         # rounding alone could tear it
        if o.flat:
            added = added * added.new_tensor([1.0, 1.0, 0.0])[:, None, None]
        return Surface(self.start.to(added) + o.reach * added, o.form)


class Stack(nn.Module):
    """Feature maps (B, c, 4, 4) -> numbers (B, channels, side, side): 3 x 3 convolutions and doublings.

    Doublings keep the border of a map in place, so borders that are sewn together at the end are close before.
    """

    def __init__(self, width: int, side: int, channels: int, form: Form) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        here, size = WIDEST * width, START
        while size < side:
            there = max(width, here // 2)
            size = min(2 * size, side)
            layers += [Conv(here, there, form), nn.LeakyReLU(SLOPE),
                       nn.Upsample((size, size), mode="bilinear", align_corners=True)]
            here = there
        self.body = with_first_weights(nn.Sequential(*layers))
        self.last = Conv(here, channels, form)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]
        self.side, self.form = side, form

    def forward(self, maps: Tensor) -> Tensor:
        """(B, c, 4, 4) -> (B, channels, side, side)."""
        if maps.is_meta:                           # torch takes long to find out the shapes of bilinear doublings
            return maps.new_empty(len(maps), self.last.out_channels, self.side, self.side)
        maps = self.last(self.body(maps))
        return closed(maps) if self.form == "ball" else maps


class Conv(nn.Conv2d):
    """A 3 x 3 convolution whose padding continues a sheet or a ball beyond the border of the square."""

    def __init__(self, here: int, there: int, form: Form) -> None:
        super().__init__(here, there, 3)
        self.form = form

    def forward(self, x: Tensor) -> Tensor:
        """(B, here, N, N) -> (B, there, N, N)."""
        return super().forward(padded(x, self.form, 1))


def starting(options: Surfaces) -> Tensor:
    """Return the surface at the start of training, (3, points, points)."""
    if options.form == "ball":
        ball = options.size * unit_ball(options.points)
        return (ball * ball.new_tensor([1.0, 1.0, 0.0])[:, None, None] if options.flat else ball).float()
    x, y = places(options.points)
    z = options.dome * (1 - 0.5 * (x.square() + y.square()))
    return torch.stack([options.size * x, options.size * y, z]).float()
