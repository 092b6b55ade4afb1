"""Polygons of an .off as Geomview and its followers write it, with colours of vertices and faces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.corners import part_of
from unbraid_plugins.opengl.scene.parts import Part, unless_white
from unbraid_plugins.opengl.scene.text_lines import expect_plain, lines_of

KIND = re.compile(r"(ST)?(C)?(N)?(4)?(n)?OFF")
Lines = list[tuple[int, list[str]]]


def parts_of(data: bytes, beside: Callable[[str], bytes], notes: list[str], materials: bool) -> Iterator[Part]:
    """Yield the polygons of an .off as one object.  Raises UnbraidError with the line that is wrong."""
    lines = [(number, words) for number, line in lines_of(data) if (words := line.split("#", 1)[0].split())]
    kind, counts, rows = _head(lines)
    vertices, faces = counts[:2]
    if len(rows) < vertices + faces:
        raise UnbraidError(f"it declares {vertices:,} vertices and {faces:,} faces, and there are {len(rows):,} lines",
                           hint="the file is cut off, or damaged")
    if len(rows) > vertices + faces:
        notes.append(f"{len(rows) - vertices - faces:,} lines after its last face are left out")
    points, colours, normals = _vertices(kind, rows[:vertices], notes)
    corner, sizes, of_faces = _faces(rows[vertices:vertices + faces], vertices, notes if materials else [])
    if not materials:
        colours = of_faces = None
    if of_faces is not None:                       # corners have the product
        of_corners = of_faces.repeat(sizes, 0)
        colours = of_corners if colours is None else of_corners * colours[corner]
    yield part_of(points, corner, sizes, notes, colours=unless_white(colours),
                  normals=None if normals is None else normals[corner])


def _head(lines: Lines) -> tuple[re.Match[str], list[int], Lines]:
    """Return the kind, the counts of vertices, faces and edges, and the lines after them."""
    first = lines[0][1] if lines else [""]
    kind = KIND.match("OFF" + first[0][3:] if first[0][:3] == "off" else first[0])
    if kind is None:                               # the keyword may be missing
        kind, words = KIND.match("OFF"), first
    else:
        words = ([first[0][kind.end():]] if first[0][kind.end():] else []) + first[1:]      # OFF8 6 0 is about
    assert kind is not None
    if [w.upper() for w in words] == ["BINARY"]:
        raise UnbraidError("it is a binary .off", hint="write it as text, or as .ply")
    rows = lines[1:]
    if not words and rows:
        words, rows = rows[0][1], rows[1:]
    if kind.group(4) or kind.group(5):
        raise UnbraidError(f"it is {kind.group()}, of other dimensions than three", hint="expected OFF, COFF or NOFF")
    try:
        counts = [int(w) for w in words[:3]]
        if len(counts) < 2 or min(counts) < 0:
            raise ValueError
    except ValueError:
        raise UnbraidError(f"{' '.join(words)!r:.60} where the numbers of vertices, faces and edges stand",
                           hint="is it in this format?") from None
    return kind, counts, rows


def _vertices(kind: re.Match[str], rows: Lines, notes: list[str],
              ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Return places, colours and normals of the vertices."""
    width = max((len(words) for _, words in rows), default=3)
    table = np.full((len(rows), max(width, 3)), np.nan)
    for row, (number, words) in zip(table, rows, strict=True):
        try:
            expect_plain(words)
            row[:len(words)] = [float(word) for word in words]
        except ValueError:
            raise UnbraidError(f"line {number}, {' '.join(words)!r:.60}: no number", hint="expected x y z") from None
        if len(words) < 3:
            raise UnbraidError(f"line {number}, {' '.join(words)!r:.60}: {len(words)} numbers", hint="expected x y z")
    points, rest = table[:, :3], table[:, 3:]
    normals = colours = None
    if kind.group(3) and rest.shape[1] >= 3:
        normals, rest = rest[:, :3], rest[:, 3:]
    if kind.group(1) and rest.shape[1] >= 2:
        notes.append("texture coordinates are left out: an .off names no texture")
        rest = rest[:, :-2]
    if rest.shape[1] in (3, 4):                    # many programs write colours without the C of COFF
        floats = any(_has_point(word) for _, words in rows for word in words[3:])
        colours = _colours(rest[:, :3], not floats, [number for number, _ in rows], notes)
        if rest.shape[1] == 4 and (rest[:, 3] != (1 if floats else 255)).any():
            notes.append("the opacity of vertices is left out")
    elif rest.shape[1]:
        notes.append(f"{rest.shape[1]} more numbers of every vertex are left out")
    return points, colours, normals


def _faces(rows: Lines, count: int, notes: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return the corners (C,), the numbers of corners (P,), and the colours of the faces (P, 3) or None."""
    corner: list[int] = []
    sizes, rests, indexed, odd, floats = [], [], 0, 0, False
    for number, words in rows:
        try:
            expect_plain(words)
            size = int(words[0])
            found = [int(word) for word in words[1:1 + size]]
            rest = [float(word) for word in words[1 + size:]]
            if size < 0 or len(found) < size:
                raise ValueError
        except ValueError:
            raise UnbraidError(f"line {number}, {' '.join(words)!r:.60}: no face",
                               hint="expected the number of corners, and as many vertices") from None
        if wrong := [c for c in found if not 0 <= c < count]:
            raise UnbraidError(f"line {number}: a face names the vertex {wrong[0]}, and there are {count}",
                               hint="they count from 0")
        corner += found
        sizes.append(size)
        floats |= any(_has_point(word) for word in words[1 + size:])
        indexed += len(rest) in (1, 2)
        odd += len(rest) > 4
        rests.append(rest if len(rest) in (3, 4) else None)
    if indexed:
        notes.append(f"numbers of colours in a table are left out: {indexed:,} faces have one")
    if odd:
        notes.append(f"numbers behind {odd:,} faces are left out: a colour has three, or four")
    if any(rest is not None and rest[3:] not in ([], [1 if floats else 255]) for rest in rests):
        notes.append("the opacity of faces is left out")
    shown = None
    if any(rest is not None for rest in rests):
        white = [1 if floats else 255] * 3
        shown = _colours(np.array([white if rest is None else rest[:3] for rest in rests]), not floats,
                         [number for number, _ in rows], notes)
    return np.array(corner, np.int64), np.array(sizes, np.int64), shown


def _has_point(word: str) -> bool:
    return "." in word or "e" in word.lower()


def _colours(values: np.ndarray, whole: bool, lines: list[int], notes: list[str]) -> np.ndarray:
    """Return colours in [0, 1]: where all are whole numbers they go to 255, else to 1.  Raises UnbraidError."""
    if whole and 0 < values.max(initial=0) <= 1:
        notes.append("colours are whole numbers up to 1, read as parts of 255: nearly black (write 1.0 for floats)")
    found: np.ndarray = values / (255 if whole else 1)
    wrong = np.flatnonzero(~((found >= 0) & (found <= 1)).all(1))
    if len(wrong):
        raise UnbraidError(f"line {lines[wrong[0]]}: some colours are not in [0, {255 if whole else 1}]",
                           hint="whole numbers go to 255, others to 1")
    return found
