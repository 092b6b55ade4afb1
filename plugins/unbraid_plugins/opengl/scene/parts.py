"""The objects of a file as arrays, and one object of them all: their textures below each other on a page."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.pictures import LARGEST


@attrs.frozen(eq=False)
class Part:
    """One object of a scene.

    vertices: (V, 3).
    faces: (F, 3).
    colours: (V, 3) in [0, 1], None where white.
    uv: (V, 2), (0, 0) at the lower left of the texture, None without a texture.
    texture: (3, h, w) in [0, 1], or None.
    creases: (V,) whole numbers, or None; vertices at one place have one normal where their numbers are equal.
    polygons: (F,) the polygon that each face was cut from, or None where the faces are the file's own.
    """

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray | None = None
    uv: np.ndarray | None = None
    texture: np.ndarray | None = None
    creases: np.ndarray | None = None
    polygons: np.ndarray | None = None


def unless_white(colours: np.ndarray | None) -> np.ndarray | None:
    """Return colours, or None where all of them are white."""
    return None if colours is None or (colours == 1).all() else colours


def joined(parts: list[Part]) -> Part:
    """Join several objects into one.  Raises UnbraidError where their textures are too large together.

    Textures are put below each other, at their own size; objects without one lie on a piece of their colour.
    """
    parts = [part for part in parts if len(part.faces)]
    if not parts:
        return Part(np.zeros((0, 3)), np.zeros((0, 3), np.int64))
    counts = np.cumsum([0, *(len(p.vertices) for p in parts)])
    vertices = np.concatenate([p.vertices for p in parts])
    faces = np.concatenate([p.faces + first for p, first in zip(parts, counts, strict=False)])
    colours = uv = texture = creases = None
    if any(p.texture is not None for p in parts):
        parts = [_painted(p) for p in parts]
        uv, texture = _stacked(parts)
    if any(p.colours is not None for p in parts):
        colours = np.concatenate([np.ones((len(p.vertices), 3)) if p.colours is None else p.colours for p in parts])
    if any(p.creases is not None for p in parts):
        creases = np.concatenate([np.zeros(len(p.vertices), np.int64) if p.creases is None else p.creases
                                  for p in parts])
    return Part(vertices, faces, colours, uv, texture, creases, _polygons(parts))


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
    if part.texture is not None or part.colours is None or not (part.colours == part.colours[:1]).all():
        return part
    texture = np.broadcast_to(part.colours[0][:, None, None].astype(np.float32), (3, 2, 2))
    return attrs.evolve(part, colours=None, texture=texture, uv=np.full((len(part.vertices), 2), 0.5))


def _stacked(parts: list[Part]) -> tuple[np.ndarray, np.ndarray]:
    """Return one texture for all objects, and their uv on it."""
    sheets: list[np.ndarray] = []
    of = []
    for part in parts:
        sheet = np.ones((3, 2, 2), np.float32) if part.texture is None else part.texture
        same = [i for i, s in enumerate(sheets) if s.shape == sheet.shape and np.array_equal(s, sheet)]
        of.append(same[0] if same else len(sheets))
        sheets += [] if same else [sheet]
    height, width = sum(s.shape[1] for s in sheets), max(s.shape[2] for s in sheets)
    if height * width > LARGEST:
        raise UnbraidError(f"its textures have {height * width / 2**20:.0f} million pixels together",
                           hint=f"at most {LARGEST >> 20} million are read")
    if len(sheets) == 1:
        return np.concatenate([np.zeros((len(p.vertices), 2)) if p.uv is None else p.uv for p in parts]), sheets[0]
    tops = np.cumsum([0, *(s.shape[1] for s in sheets)])
    page = np.concatenate([np.pad(s, ((0, 0), (0, 0), (0, width - s.shape[2])), mode="edge") for s in sheets], 1)
    places = []
    for part, place in zip(parts, of, strict=True):
        _, h, w = sheets[place].shape
        uv = np.full((len(part.vertices), 2), 0.5) if part.uv is None else part.uv
        inside = np.clip(uv, [0.5 / w, 0.5 / h], [1 - 0.5 / w, 1 - 0.5 / h])       # no mixing with the neighbours
        places.append(np.stack([inside[:, 0] * w / width, 1 - (tops[place] + (1 - inside[:, 1]) * h) / height], 1))
    return np.concatenate(places), page
