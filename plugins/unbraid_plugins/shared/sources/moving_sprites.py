"""Clips of coloured shapes that bounce around, drawn here: content and path of every clip are known."""

from __future__ import annotations

import functools
from collections.abc import Callable

import attrs
import numpy as np

from unbraid import Field, Images, source
from unbraid_plugins.shared.sources.procedural import DRAW_AT_ONCE, Drawn, check_count, check_total
from unbraid_plugins.shared.sources.signed_distances import Array, box, ellipse, heart, triangle

RADIUS, PAPER = 0.34, 0.06                         # half a shape's side, where the picture is 2 wide; the background
OUTLINES: dict[str, Callable[[Array, Array], Array]] = {           # for shapes of half side 1, x to the right, y up
    "square": lambda x, y: box(x, y, 0.8, 0.8),
    "disc": lambda x, y: ellipse(x, y, 0.92, 0.92),
    "heart": lambda x, y: heart(x, y, 1.35),
    "triangle": lambda x, y: triangle(x, y, (-0.95, -0.8), (0.95, -0.8), (0.0, 0.95)),
    "cross": lambda x, y: np.minimum(box(x, y, 0.95, 0.3), box(x, y, 0.3, 0.95)),
    "ring": lambda x, y: np.abs(ellipse(x, y, 0.72, 0.72)) - 0.22,
    "bar": lambda x, y: box(x, y, 0.95, 0.35, 0.3),
    "moon": lambda x, y: np.maximum(ellipse(x, y, 0.92, 0.92), -ellipse(x - 0.5, y - 0.1, 0.7, 0.7))}
COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.91, 0.26, 0.25), "green": (0.30, 0.75, 0.38), "blue": (0.27, 0.50, 0.95), "yellow": (0.97, 0.83, 0.27),
    "violet": (0.70, 0.40, 0.90), "white": (0.95, 0.95, 0.95)}
CONTENTS = len(OUTLINES) * len(COLOURS)
SPEEDS = 0.06, 0.16                                # smallest and largest, in the picture's units per frame


@source
@attrs.frozen(kw_only=True)
class MovingSprites:
    """Clips of one or two coloured shapes that fly straight on and bounce off the edges, drawn here, antialiased.

    A clip is a content (a glyph and a colour of each shape) on a path; there is every content on every path, so that
    the picture of any content in any place is known. Of 48 contents of one shape, or 2304 of two, and of all paths,
    `contents` and `paths` are chosen, always the same ones. Two shapes may overlap: the second one is in front.

    Images are RGB, (3, size, size), on a dark ground. Fields: `clip`, `frame`; `glyph` and `colour`, constant in a
    clip; `x` and `y`, numbers: the middle of the shape, in a picture from -1 to 1, y up. With two shapes, `glyph1`,
    `glyph2`, ... In the manner of Moving MNIST (Srivastava et al. 2015), as Denton and Birodkar (2017) have it.

    shapes: 1 or 2.
    contents: the number of contents, null for all.
    paths: the number of paths; there are contents x paths clips.
    frames: length of a clip.
    """

    size: int = attrs.field(default=64, validator=[attrs.validators.ge(8), attrs.validators.le(512)])
    shapes: int = attrs.field(default=1, validator=attrs.validators.in_((1, 2)))
    contents: int | None = attrs.field(default=48, validator=check_count)
    paths: int = attrs.field(default=40, validator=[attrs.validators.ge(1), attrs.validators.le(100_000)])
    frames: int = attrs.field(default=20, validator=attrs.validators.ge(1))

    def open(self) -> Images:
        """Return the frames of all clips, drawn when they are read if they are many."""
        chosen = _chosen(CONTENTS ** self.shapes, self.contents)
        check_total(len(chosen), self.paths, self.frames)
        places = paths(self.paths, self.frames, self.shapes)                     # (paths, frames, shapes, 2)
        content, path, frame = (i.reshape(-1) for i in np.indices((len(chosen), self.paths, self.frames)))
        drawn = Drawn(3, self.size, functools.partial(draw_moving, self.size),
                      {"content": chosen[content], "place": places[path, frame]})
        fields = {"clip": Field(content * self.paths + path, len(chosen) * self.paths),
                  "frame": Field(frame, self.frames)}
        for i, (glyphs, colours) in enumerate(_looks(chosen[content], self.shapes)):
            number = f"{i + 1}" if self.shapes > 1 else ""
            x, y = places[path, frame, i].T
            fields |= {f"glyph{number}": Field(glyphs, len(OUTLINES), tuple(OUTLINES)),
                       f"colour{number}": Field(colours, len(COLOURS), tuple(COLOURS)),
                       f"x{number}": Field(x), f"y{number}": Field(y)}
        total = CONTENTS ** self.shapes
        notes = [] if len(chosen) == total else [f"{len(chosen):,} of all {total:,} contents"]
        all_at_once = int(np.prod(drawn.shape)) <= DRAW_AT_ONCE
        return Images(drawn.read(np.arange(len(content))) if all_at_once else drawn, fields, notes=notes)


def _chosen(total: int, count: int | None) -> np.ndarray:
    """Return the numbers of the chosen contents; a smaller choice is the beginning of a larger one."""
    order = np.random.Generator(np.random.Philox(key=20171205)).permutation(total)
    return order[:total if count is None else count]


def _looks(content: np.ndarray, shapes: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return glyph and colour of every shape, from numbers of contents."""
    each = np.unravel_index(content, (CONTENTS,) * shapes)
    return [(one // len(COLOURS), one % len(COLOURS)) for one in each]


def paths(count: int, frames: int, shapes: int) -> np.ndarray:
    """Return the middles of shapes on straight paths that bounce off the edges, float32 (count, frames, shapes, 2).

    The first paths are the same for every count and for every number of frames.
    """
    reach = 1 - RADIUS
    begin, speed = np.empty((2, count, shapes, 2))
    for i in range(count):
        random = np.random.Generator(np.random.Philox(key=20171205, counter=[i, 0, 0, 0]))
        begin[i] = random.uniform(-reach, reach, (shapes, 2))
        angle, length = random.uniform(0, 2 * np.pi, shapes), random.uniform(*SPEEDS, shapes)
        speed[i] = (length * np.stack([np.cos(angle), np.sin(angle)])).T
    straight = begin[:, None] + speed[:, None] * np.arange(frames)[:, None, None]
    folded = np.abs((straight + reach) % (4 * reach) - 2 * reach) - reach        # a triangle wave in [-reach, reach]
    return -folded.astype(np.float32)


def draw_moving(size: int, factors: dict[str, np.ndarray]) -> np.ndarray:
    """Draw shapes: contents (n,) at places (n, shapes, 2) -> uint8 (n, 3, size, size)."""
    content, place = factors["content"], factors["place"]
    images = np.empty((len(content), 3, size, size), np.uint8)
    middle = ((np.arange(size, dtype=np.float32) + 0.5) / size) * 2 - 1
    colours = np.asarray(list(COLOURS.values()), np.float32)
    for begin in range(0, len(content), 512):
        rows = slice(begin, begin + 512)
        page = np.full((len(content[rows]), 3, size, size), PAPER, np.float32)
        for i, (glyph, colour) in enumerate(_looks(content[rows], place.shape[1])):
            pixels = (len(glyph), size, size)
            x = np.broadcast_to((middle[None, None] - place[rows, i, 0, None, None]) / RADIUS, pixels)
            y = np.broadcast_to((-middle[None, :, None] - place[rows, i, 1, None, None]) / RADIUS, pixels)
            distance = np.empty_like(x)
            for number, outline in enumerate(OUTLINES.values()):
                chosen = glyph == number
                if chosen.any():
                    distance[chosen] = outline(x[chosen], y[chosen])
            inside = np.clip(0.5 - distance * RADIUS * (size / 2), 0, 1)[:, None]
            page += inside * (colours[colour][:, :, None, None] - page)
        images[rows] = page * 255 + 0.5
    return images
