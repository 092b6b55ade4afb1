"""Polygons of a .ply: vertices with colours, normals and texture coordinates, faces with their own, and strips."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.corners import part_of
from unbraid_plugins.opengl.scene.parts import Part, unless_white
from unbraid_plugins.opengl.scene.pictures import pixels
from unbraid_plugins.opengl.scene.ply_rows import Rows, rows_of

COLOURS = (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b"))
COORDINATES = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"))
CORNERS = ("vertex_indices", "vertex_index")
NORMAL, OPACITY = ("nx", "ny", "nz"), ("alpha", "diffuse_alpha", "a")
ELEMENTS = ("vertex", "face", "tristrips")


def parts_of(data: bytes, beside: Callable[[str], bytes], notes: list[str], materials: bool) -> Iterator[Part]:
    """Yield the objects of a .ply, one for each of its textures.  Raises UnbraidError, FileNotFoundError."""
    elements, comments, more = rows_of(data)
    notes += more
    if "vertex" not in elements or not {"x", "y", "z"} <= set(elements["vertex"].scalars):
        raise UnbraidError("no element vertex with x, y and z", hint="is it a mesh, and not empty?")
    points = np.stack([elements["vertex"].scalars[axis] for axis in "xyz"], 1)
    if left_out := [name for name in elements if name not in ELEMENTS and elements[name].types]:
        notes.append(f"elements that are left out: {', '.join(left_out)}")
    files = [c.split(None, 1)[1].strip() for c in comments if c.lower().startswith("texturefile ")]
    for name in ELEMENTS[:2]:
        if odd := sorted(set(elements[name].types) - _known(elements[name], bool(files)) if name in elements else ()):
            notes.append(f"properties of {name} that are left out: {', '.join(odd)}")
    corner, sizes, faces = _polygons(elements)
    if len(corner) and not 0 <= corner.min() <= corner.max() < len(points):
        wrong = int(np.flatnonzero((corner < 0) | (corner >= len(points)))[0])
        face = int(np.searchsorted(np.cumsum(sizes), wrong, "right"))
        raise UnbraidError(f"face {face} names the vertex {corner[wrong]}, and there are {len(points)}",
                           hint="they count from 0")
    vertex = elements["vertex"]
    normals = _columns(vertex, NORMAL)
    normals = None if normals is None else normals[corner]
    if not materials:
        yield part_of(points, corner, sizes, notes, normals=normals)
        return
    colours = _colours(vertex, notes)
    of_faces = None if faces is None else _colours(faces, notes)
    if of_faces is not None:                       # corners have the product
        of_corners = of_faces.repeat(sizes, 0)
        colours = of_corners if colours is None else of_corners * colours[corner]
    colours = unless_white(colours)
    if not files:
        yield part_of(points, corner, sizes, notes, normals=normals, colours=colours)
        return
    uv, there = _coordinates(vertex, faces, corner, sizes)
    if not np.isfinite(uv).all():
        raise UnbraidError("some texture coordinates are not finite numbers", hint="the file is damaged")
    number = np.zeros(len(sizes), np.int64)
    if faces is not None and "texnumber" in faces.scalars:
        number = faces.scalars["texnumber"].astype(np.int64)
        number[number < 0] = -1
    if (number >= len(files)).any():
        raise UnbraidError(f"a face has the texture {number.max()}, and there are {len(files)}",
                           hint="they count from 0")
    number[~there] = -1
    if unused := [file for i, file in enumerate(files) if there.any() and not (number == i).any()]:
        notes.append(f"textures that no face has: {', '.join(unused)}")
    if (number < 0).any():
        notes.append(f"{int((number < 0).sum()):,} of {len(sizes):,} faces have no texture coordinates, and are drawn "
                     "without")
    for which in np.unique(number):
        mine = number == which
        at = mine.repeat(sizes)
        looks = colours[at] if colours is not None and len(colours) != len(points) else colours
        texture = None if which < 0 else pixels(beside(files[which]), files[which])
        yield part_of(points, corner[at], sizes[mine], notes, colours=looks, uv=None if which < 0 else uv[at],
                      texture=texture, normals=None if normals is None else normals[at])


def _polygons(elements: dict[str, Rows]) -> tuple[np.ndarray, np.ndarray, Rows | None]:
    """Return corners (C,), numbers of corners (P,), and the rows of the faces."""
    faces, strips = elements.get("face"), elements.get("tristrips")
    laid = None if strips is None or not strips.lists else _triangles(strips)
    for name in CORNERS:
        if faces is not None and name in faces.lists:
            corner, sizes = faces.lists[name]
            if laid is None:
                return _whole(corner), sizes, faces
            if len(sizes) and set(faces.types) - {*CORNERS}:
                raise UnbraidError("it has tristrips beside faces with properties of their own",
                                   hint="write it with faces alone")
            return (np.concatenate([_whole(corner), laid.reshape(-1)]),
                    np.concatenate([sizes, np.full(len(laid), 3)]), None)
    laid = np.zeros((0, 3), np.int64) if laid is None else laid
    return laid.reshape(-1), np.full(len(laid), 3), None


def _triangles(strips: Rows) -> np.ndarray:
    """Return the triangles of strips, (F, 3)."""
    name = next((n for n in CORNERS if n in strips.lists), "")
    if not name:
        raise UnbraidError("tristrips without vertex_indices", hint="the file is damaged")
    values, lengths = strips.lists[name]
    found = []
    for row in np.split(_whole(values), np.cumsum(lengths)[:-1]):
        for run in np.split(row, np.flatnonzero(row < 0)):                     # -1 begins a new strip
            run = run[run >= 0]
            step = np.arange(max(len(run) - 2, 0))
            odd = step % 2
            found.append(run[np.stack([step, step + 1 + odd, step + 2 - odd], 1)])
    faces_ = np.concatenate(found) if found else np.zeros((0, 3), np.int64)
    solid: np.ndarray = faces_[(faces_ != np.roll(faces_, 1, 1)).all(1)]       # joints of strips have no area
    return solid


def _coordinates(vertex: Rows, faces: Rows | None, corner: np.ndarray,
                 sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners' texture coordinates (C, 2), and which polygons have them, (P,)."""
    if faces is not None and "texcoord" in faces.lists:
        values, lengths = faces.lists["texcoord"]
        wrong = (lengths != 2 * sizes) & (lengths != 0)
        if wrong.any():
            face = int(np.flatnonzero(wrong)[0])
            raise UnbraidError(f"face {face} has {sizes[face]} corners and {lengths[face]} numbers of texcoord",
                               hint="expected two for each corner")
        there = lengths > 0
        uv = np.zeros((len(corner), 2))
        uv[there.repeat(sizes)] = values.reshape(-1, 2)
        return uv, there
    for names in COORDINATES:
        if (found := _columns(vertex, names)) is not None:
            return found[corner], np.ones(len(sizes), bool)
    return np.zeros((len(corner), 2)), np.zeros(len(sizes), bool)


def _known(rows: Rows, textured: bool) -> set[str]:
    """Return the properties of an element that are read, or that say nothing."""
    found = {"x", "y", "z", "texcoord", "texnumber", *CORNERS}
    groups: tuple[tuple[tuple[str, ...], ...], ...] = ((NORMAL,), COLOURS, COORDINATES if textured else ())
    for group in groups:
        found |= set(next((names for names in group if set(names) <= set(rows.types)), ()))
    opacity = {name: rows.scalars[name] for name in OPACITY if name in rows.scalars}
    return found | {name for name, values in opacity.items() if (values == _most(rows.types[name])).all()}


def _most(kind: str) -> int:
    """Return the number that means 1 in colours of a type."""
    return 1 if kind[0] == "f" else 255 if kind in ("i4", "u4") else np.iinfo(kind).max


def _colours(rows: Rows, notes: list[str]) -> np.ndarray | None:
    """Return colours in [0, 1], (N, 3), or None: whole numbers by the range of their type."""
    for names in COLOURS:
        if (found := _columns(rows, names)) is not None:
            kind, most = rows.types[names[0]], found.max(initial=0)
            scale = _most(kind)
            if kind == "u2" and 0 < most <= 255:
                notes.append("colours of 16 bits end at 255, and are read as numbers up to 255")
                scale = 255
            elif kind[0] != "f" and 0 < most <= 1:
                notes.append(f"colours are whole numbers up to 1, read as parts of {scale:,}: nearly black")
            found = found / scale
            if not ((found >= 0) & (found <= 1)).all():
                raise UnbraidError(f"some colours are not in [0, {1 if kind[0] == 'f' else 255}]",
                                   hint="whole numbers go to 255, others to 1")
            return found
    return None


def _columns(rows: Rows, names: tuple[str, ...]) -> np.ndarray | None:
    return np.stack([rows.scalars[name] for name in names], 1) if set(names) <= set(rows.scalars) else None


def _whole(values: np.ndarray) -> np.ndarray:
    if not (np.abs(values) < 2**53).all() or (values != np.floor(values)).any():
        raise UnbraidError("a face names a vertex that is no whole number", hint="the file is damaged")
    return values.astype(np.int64)
