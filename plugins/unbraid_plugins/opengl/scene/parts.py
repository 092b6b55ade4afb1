"""The objects of a file as arrays, and one object of them all: their textures on one page, each with its material."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.materials import Mode, Wrap
from unbraid_plugins.opengl.scene.pictures import LARGEST, resized
from unbraid_plugins.opengl.scene.wrapping import REPEAT, inside, settled

FARTHEST = 2.0**22                                 # repetitions of a texture


@attrs.frozen
class Look:
    """The wrapping and the transparency of some faces.

    box: left, top, width and height of their picture on the page, in texels.
    nearest: whether each place has the colour of the texel there, without interpolation.
    """

    wrap: tuple[Wrap, Wrap] = REPEAT
    mode: Mode = "opaque"
    cutoff: float = 0.5
    box: tuple[int, int, int, int] = (0, 0, 1, 1)
    nearest: bool = False


@attrs.frozen(eq=False)
class Part:
    """One object of a scene.

    vertices: (V, 3).
    faces: (F, 3).
    colours: (V, 3) in [0, 1], or (V, 4) with an opacity; None where white.
    uv: (V, 2), (0, 0) at the lower left of the texture, None without a texture.
    texture: (3, h, w) in [0, 1], or (4, h, w) with an opacity, or None.
    creases: (V,) whole numbers, or None; vertices at one place have one normal where their numbers are equal.
    polygons: (F,) the polygon that each face was cut from, or None where the faces are the file's own.
    emission: (3, h, w) in [0, 1], or None.
    looks: those of the faces.
    look: (F,) which of them each face has.
    """

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray | None = None
    uv: np.ndarray | None = None
    texture: np.ndarray | None = None
    creases: np.ndarray | None = None
    polygons: np.ndarray | None = None
    emission: np.ndarray | None = None
    looks: tuple[Look, ...] = (Look(),)
    look: np.ndarray = attrs.field()

    @look.default
    def _first(self) -> np.ndarray:
        return np.zeros(len(self.faces), np.int64)

    @property
    def mapped(self) -> bool:
        """Whether it has pictures, and so needs texture coordinates."""
        return self.texture is not None or self.emission is not None


def unless_white(colours: np.ndarray | None) -> np.ndarray | None:
    """Return colours, or None where all of them are white."""
    return None if colours is None or (colours == 1).all() else colours


def joined(parts: list[Part]) -> Part:
    """Join several objects into one.  Raises UnbraidError where their textures are too large together.

    Textures are put below each other, at their own size; objects without one lie on a piece of their colour.
    """
    parts = [_settled(_solid(part)) for part in parts if len(part.faces)]
    if not parts:
        return Part(np.zeros((0, 3)), np.zeros((0, 3), np.int64))
    if any(p.looks[0].mode != "opaque" for p in parts):
        parts = [_with_opacity(p) for p in parts]
    counts = np.cumsum([0, *(len(p.vertices) for p in parts)])
    vertices = np.concatenate([p.vertices for p in parts])
    faces = np.concatenate([p.faces + first for p, first in zip(parts, counts, strict=False)])
    more: dict[str, Any] = {}
    if any(p.mapped for p in parts):
        parts = [_painted(p) for p in parts]
        parts, more["texture"], more["emission"] = _on_a_page(parts)
        more["uv"] = np.concatenate([np.full((len(p.vertices), 2), 0.5) if p.uv is None else p.uv for p in parts])
    if (coloured := [p.colours for p in parts if p.colours is not None]):
        more["colours"] = np.concatenate([np.ones((len(p.vertices), coloured[0].shape[1])) if p.colours is None
                                          else p.colours for p in parts])
    if any(p.creases is not None for p in parts):
        more["creases"] = np.concatenate([np.zeros(len(p.vertices), np.int64) if p.creases is None else p.creases
                                          for p in parts])
    looks = list(dict.fromkeys(p.looks[0] for p in parts))
    look = np.repeat([looks.index(p.looks[0]) for p in parts], [len(p.faces) for p in parts])
    return Part(vertices, faces, **more, polygons=_polygons(parts), looks=tuple(looks), look=look)


def _solid(part: Part) -> Part:
    """Return an object without its opacity where nothing is seen through it."""
    look, opacities = part.looks[0], []
    if part.colours is not None and part.colours.shape[1] == 4:
        opacities.append(part.colours[:, 3].min())
    if part.texture is not None and len(part.texture) == 4:
        opacities.append(part.texture[3].min())
    if look.mode != "opaque" and np.prod(opacities) < (look.cutoff if look.mode == "mask" else 1):
        return part
    return attrs.evolve(part, colours=None if part.colours is None else unless_white(part.colours[:, :3]),
                        texture=None if part.texture is None else part.texture[:3],
                        looks=(attrs.evolve(look, mode="opaque"),))


def _settled(part: Part) -> Part:
    """Return an object whose texture is used without wrapping where its coordinates can be moved into [0, 1]."""
    if not part.mapped or part.uv is None:
        return attrs.evolve(part, looks=(attrs.evolve(part.looks[0], wrap=("clamp", "clamp"), nearest=False),))
    look = part.looks[0]
    uv = settled(part.uv, part.faces, look.wrap)
    if (farthest := float(np.abs(uv[part.faces]).max(initial=0))) > FARTHEST:
        raise UnbraidError(f"its texture coordinates reach {farthest:g}", hint=f"numbers of 32 bits have no fraction "
                           f"beyond {FARTHEST:,.0f}: make them smaller")
    plain = inside(uv, part.faces)
    wrap: tuple[Wrap, Wrap] = ("clamp", "clamp") if plain else look.wrap
    return attrs.evolve(part, uv=uv, looks=(attrs.evolve(look, wrap=wrap),))


def _with_opacity(part: Part) -> Part:
    """Return an object whose colours and texture have a channel of opacity."""
    colours, texture = part.colours, part.texture
    if colours is not None and colours.shape[1] == 3:
        colours = np.concatenate([colours, np.ones_like(colours[:, :1])], 1)
    if texture is not None and len(texture) == 3:
        texture = np.concatenate([texture, np.ones_like(texture[:1])])
    return attrs.evolve(part, colours=colours, texture=texture)


def _polygons(parts: list[Part]) -> np.ndarray | None:
    """Return the polygons of several objects' faces, (F,), or None where all are triangles."""
    if all(p.polygons is None for p in parts):
        return None
    found, count = [], 0
    for part in parts:
        own = np.arange(len(part.faces)) if part.polygons is None else part.polygons
        found.append(own + count)
        count += int(own.max(initial=-1)) + 1
    return np.concatenate(found)


def _painted(part: Part) -> Part:
    """Return an object of one plain colour with a texture of that colour."""
    if part.mapped or part.colours is None or not (part.colours == part.colours[:1]).all():
        return part
    texture = np.broadcast_to(part.colours[0][:, None, None].astype(np.float32), (len(part.colours[0]), 2, 2))
    return attrs.evolve(part, colours=None, texture=texture, uv=np.full((len(part.vertices), 2), 0.5))


def _on_a_page(parts: list[Part]) -> tuple[list[Part], np.ndarray | None, np.ndarray | None]:
    """Return the objects with their boxes on a page, the page, and that of their emission."""
    sheets: list[tuple[np.ndarray | None, np.ndarray | None]] = []
    sizes: list[tuple[int, int]] = []
    of = []
    for part in parts:
        sheet = _of_one_size(part.texture, part.emission)
        same = [i for i, known in enumerate(sheets) if all(_equal(a, b) for a, b in zip(known, sheet, strict=True))]
        of.append(same[0] if same else len(sheets))
        if not same:
            sheets.append(sheet)
            sizes.append(next(((s.shape[1], s.shape[2]) for s in sheet if s is not None), (2, 2)))
    height, width = sum(size[0] for size in sizes), max(size[1] for size in sizes)
    if height * width > LARGEST:
        raise UnbraidError(f"its textures have {height * width / 2**20:.0f} million pixels together",
                           hint=f"at most {LARGEST >> 20} million are read")
    tops = np.cumsum([0, *(size[0] for size in sizes)])
    boxes = [(0, int(top), width_, height_) for top, (height_, width_) in zip(tops, sizes, strict=False)]
    placed = [attrs.evolve(part, looks=(attrs.evolve(part.looks[0], box=boxes[i]),))
              for part, i in zip(parts, of, strict=True)]
    pages: list[np.ndarray | None] = []
    for kind, empty in ((0, 1.0), (1, 0.0)):
        several = [sheet[kind] for sheet in sheets]
        channels = next((len(s) for s in several if s is not None), 0)
        filled = [np.full((channels, *size), empty, np.float32) if s is None else s
                  for s, size in zip(several, sizes, strict=True)]
        page = filled[0] if len(filled) == 1 else np.concatenate([
            np.pad(s, ((0, 0), (0, 0), (0, width - s.shape[2]))) for s in filled], 1)
        pages.append(page if channels else None)
    return placed, pages[0], pages[1]


def _of_one_size(texture: np.ndarray | None,
                 emission: np.ndarray | None) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return both pictures at the size of the larger one."""
    if texture is None or emission is None or texture.shape[1:] == emission.shape[1:]:
        return texture, emission
    size = (max(texture.shape[1], emission.shape[1]), max(texture.shape[2], emission.shape[2]))
    return resized(texture, size), resized(emission, size)


def _equal(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is b or (a is not None and b is not None and a.shape == b.shape and np.array_equal(a, b))
