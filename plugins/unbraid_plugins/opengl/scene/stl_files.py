"""Triangles of an .stl, text or binary."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.corners import part_of
from unbraid_plugins.opengl.scene.parts import Part
from unbraid_plugins.opengl.scene.text_lines import MARKS, expect_plain, lines_of

CREASE = 30.0                                      # degrees: an .stl doesn't say where its surface is smooth
HEAD = 84                                          # bytes before the first triangle of a binary file
TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def parts_of(data: bytes, beside: Callable[[str], bytes], notes: list[str], materials: bool) -> Iterator[Part]:
    """Yield the triangles of an .stl as one object.  Raises UnbraidError."""
    corners = _text(data) if _is_text(data) else _binary(data, notes, materials)
    points = corners.reshape(-1, 3).astype(np.float64)
    yield part_of(points, np.arange(len(points)), np.full(len(corners), 3), notes)


def _is_text(data: bytes) -> bool:
    """Return whether a file is text: it begins like one, and hasn't the size that a binary one would have."""
    marked = next((data[len(mark):] for mark, _ in MARKS if data.startswith(mark)), None)
    if marked is not None and marked.replace(b"\0", b"").lstrip()[:5].lower() == b"solid":
        return True
    count = int.from_bytes(data[HEAD - 4:HEAD], "little")
    return data.lstrip()[:5].lower() == b"solid" and len(data) != HEAD + count * TRIANGLE.itemsize and (
        b"\0" not in data[:HEAD])


def _binary(data: bytes, notes: list[str], materials: bool) -> np.ndarray:
    if len(data) < HEAD:
        raise UnbraidError(f"it has {len(data)} bytes", hint=f"a binary .stl has {HEAD} and more; is it whole?")
    count, there = int.from_bytes(data[HEAD - 4:HEAD], "little"), (len(data) - HEAD) // TRIANGLE.itemsize
    if count > there:
        raise UnbraidError(f"it declares {count:,} triangles, and there are {there:,}",
                           hint="the file is cut off, or damaged")
    rest = len(data) - HEAD - count * TRIANGLE.itemsize
    if rest:
        notes.append(f"{rest:,} bytes after its last triangle are left out")
    table = np.frombuffer(data, TRIANGLE, count, HEAD)
    if materials and table["attribute"].any():
        notes.append("numbers of its triangles are left out, which some programs use as colours")
    found: np.ndarray = table["corners"]
    return found


def _text(data: bytes) -> np.ndarray:
    """Return the corners of all facets, (F, 3, 3).  Raises UnbraidError with the line that is wrong."""
    numbers: list[tuple[float, ...]] = []
    began = inside = 0                             # the line of a facet, its corners so far
    ended = False
    for number, line in lines_of(data):
        words = line.split()
        keyword = words[0].lower() if words else ""
        if keyword == "vertex":
            inside += 1
            numbers.append(_corner(words, number))
        elif keyword == "facet":
            began, inside = number, 0
        elif keyword == "endfacet":
            if inside != 3:
                raise UnbraidError(f"line {began}: a facet of {inside} corners", hint="expected three")
            began = inside = 0
        elif keyword not in ("", "solid", "outer", "endloop", "endsolid"):
            raise UnbraidError(f"line {number}, {line.strip()!r:.60}: no statement that is read here",
                               hint="expected solid, facet, outer loop, vertex, endloop, endfacet, endsolid")
        ended = keyword == "endsolid" or (ended and not keyword)
    if began or not ended:
        raise UnbraidError("no line endsolid at its end", hint="the file is cut off, or damaged")
    return np.array(numbers, np.float64).reshape(-1, 3, 3)


def _corner(words: list[str], number: int) -> tuple[float, ...]:
    try:
        expect_plain(words)
        x, y, z = map(float, words[1:])
    except ValueError:
        raise UnbraidError(f"line {number}, {' '.join(words)!r:.60}: no corner", hint="expected vertex x y z") from None
    return x, y, z
