"""Lines of a Wavefront .obj as arrays: every statement is read, refused by its line, or noted."""

from __future__ import annotations

from collections import Counter

import attrs
import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.text_lines import expect_plain, lines_of

KINDS = ("vertex", "texture coordinate", "normal")
SILENT = {"g", "o", "mg", "lod", "bevel", "c_interp", "d_interp", "shadow_obj", "trace_obj"}   # change no triangle
OTHERS = {"l": "lines", "p": "points"}
FREE_FORM = {"vp", "cstype", "deg", "bmat", "step", "curv", "curv2", "surf", "parm", "trim", "hole", "scrv", "sp",
             "end", "con", "stech", "ctech", "call", "csh", "usemap", "maplib"}


@attrs.frozen(eq=False)
class Polygons:
    """The tables and the faces of an .obj.

    points: (V, 3) float64.
    colours: (V, 3) in [0, 1], or None.
    uv, normals: (T, 2) and (N, 3).
    corners: (C, 3), the vertex, texture coordinate and normal of every corner from 0, -1 where it has no such part.
    sizes, smoothing, material: (P,) of every polygon, the last ones as places in `names`, -1 for none; smoothing is 0
    where it is off, -1 where the file says nothing.
    """

    points: np.ndarray
    colours: np.ndarray | None
    uv: np.ndarray
    normals: np.ndarray
    corners: np.ndarray
    sizes: np.ndarray
    smoothing: np.ndarray
    material: np.ndarray
    names: list[str]
    libraries: list[str]


def polygons_of(data: bytes, notes: list[str]) -> Polygons:
    """Read an .obj.  Raises UnbraidError with the line that is wrong."""
    rows: dict[str, list[tuple[int, list[str]]]] = {"v": [], "vt": [], "vn": []}
    words: list[str] = []
    faces: list[tuple[int, ...]] = []              # line, corners, counts until here, smoothing, material
    names: dict[str, int] = {}
    libraries: list[str] = []
    left_out: Counter[str] = Counter()
    smoothing = material = -1
    v, vt, vn = rows.values()
    for number, line in lines_of(data):
        parts = line.split()
        if not parts or parts[0][0] == "#":
            left_out["colours in lines #MRGB"] += line.startswith("#MRGB")
            continue
        keyword = parts[0]
        if keyword == "usemtl":
            name = line.strip()[6:].strip()
            material = names.setdefault(name, len(names)) if name else -1
            continue
        if keyword == "mtllib":
            libraries.append(line.strip()[6:].strip())
            continue
        if "#" in line:
            parts = line.split("#", 1)[0].split()
        if keyword in rows:
            rows[keyword].append((number, parts))
        elif keyword in ("f", "fo"):
            words += parts[1:]
            faces.append((number, len(parts) - 1, len(v), len(vt), len(vn), smoothing, material))
        elif keyword == "s":
            smoothing = _group(parts, number)
        elif keyword not in SILENT:
            left_out[OTHERS.get(keyword, "free-form curves and surfaces" if keyword in FREE_FORM else
                                f"{keyword[:20]!r}")] += 1
    if left_out := +left_out:
        summary = ", ".join(f"{what} ({count:,})" for what, count in left_out.most_common(6))
        notes.append(f"statements that are left out: {summary}")
    table = np.array(faces, np.int64).reshape(-1, 7)
    points, colours = _vertices(v, notes)
    uv, normals = _numbers(vt, 2, (1, 2, 3)), _numbers(vn, 3, (3,))
    corners = _corners(words, table, (len(points), len(uv), len(normals)))
    sizes, smooth, of = table[:, [1, 5, 6]].T
    return Polygons(points, colours, uv, normals, corners, sizes, smooth, of, list(names), libraries)


def _vertices(rows: list[tuple[int, list[str]]], notes: list[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return points (V, 3) and colours (V, 3) or None: x y z, then w, or red green blue, or both."""
    values = _numbers(rows, 7, (3, 4, 6, 7))
    lengths = np.array([len(parts) - 1 for _, parts in rows])
    if (lengths == 4).any() and (values[lengths == 4, 3] != 1).any():
        notes.append("a fourth coordinate of vertices is left out: polygons have no weights")
    if not (lengths >= 6).any():
        return values[:, :3], None
    colours = np.ones((len(values), 3))
    colours[lengths >= 6] = values[lengths >= 6, 3:6]
    if colours.max() > 1 and colours.min() >= 0 and colours.max() <= 255:
        notes.append("colours of vertices are read as 0 to 255")
        colours[lengths >= 6] /= 255
    if not ((colours >= 0) & (colours <= 1)).all():
        row = int(np.flatnonzero(~((colours >= 0) & (colours <= 1)).all(1))[0])
        raise UnbraidError(f"line {rows[row][0]}: a colour that is not in [0, 1]", hint="expected x y z red green blue")
    return values[:, :3], colours


def _numbers(rows: list[tuple[int, list[str]]], width: int, lengths: tuple[int, ...]) -> np.ndarray:
    """Return the first numbers of lines, (N, width), 0 where a line has fewer.  Raises UnbraidError."""
    for number, parts in rows:
        if len(parts) - 1 not in lengths:
            raise UnbraidError(f"line {number}, {' '.join(parts)!r:.60}: {len(parts) - 1} numbers",
                               hint=f"{parts[0]} has {' or '.join(map(str, lengths))}")
    filled = [(parts[1:] + ["0"] * width)[:width] for _, parts in rows]
    try:
        expect_plain(word for row in filled for word in row)
        return np.array(filled, np.float64).reshape(-1, width)
    except ValueError:
        for (number, parts), row in zip(rows, filled, strict=True):
            try:
                expect_plain(row)
                list(map(float, row))
            except ValueError:
                raise UnbraidError(f"line {number}, {' '.join(parts)!r:.60}: no number",
                                   hint="numbers have a point, as in 0.5") from None
        raise


def _corners(words: list[str], faces: np.ndarray, counts: tuple[int, int, int]) -> np.ndarray:
    """Return the corners as indices from 0, (C, 3), -1 where a corner has no such part.  Raises UnbraidError."""
    lines, sizes = faces[:, 0], faces[:, 1]
    forms: dict[str, tuple[int, int, int]] = {}
    none = -2**62
    for word in dict.fromkeys(words):
        places = word.split("/")
        try:
            if len(places) > 3:
                raise ValueError
            expect_plain(places)
            filled = [int(p) if p or not i else none for i, p in enumerate(places)] + [none, none]
            forms[word] = (filled[0], filled[1], filled[2])
            if max(map(abs, (p for p in filled if p != none))) >= 2**31:
                raise ValueError
        except ValueError:
            line = int(lines.repeat(sizes)[words.index(word)])
            raise UnbraidError(f"line {line}: a face has the corner {word!r:.40}",
                               hint="expected whole numbers: vertex, vertex/texture coordinate/normal") from None
    corners = np.array([forms[word] for word in words], np.int64).reshape(-1, 3)
    so_far = faces[:, 2:5].repeat(sizes, 0)
    found = np.where(corners > 0, corners - 1, corners + so_far)
    missing = corners == none
    for wrong, message in ((((corners == 0) | (found < 0)) & ~missing, "there is no"),
                        ((found >= np.array(counts)) & ~missing, "names")):
        if wrong.any():
            at, kind = (int(i) for i in np.argwhere(wrong)[0])
            face = int(np.searchsorted(np.cumsum(sizes), at, "right"))
            number, place = int(lines[face]), int(corners[at, kind])
            if message == "names":
                raise UnbraidError(f"line {number}: a face names the {KINDS[kind]} {place}, and there are "
                                   f"{counts[kind]}", hint="they count from 1")
            first = int(sizes[:face].sum())
            text = " ".join(["f", *words[first:first + int(sizes[face])]])
            raise UnbraidError(f"line {number}, {text!r:.80}: there is no {words[at]}",
                               hint="vertices count from 1, or backwards from -1")
    return np.where(missing, -1, found)


def _group(parts: list[str], number: int) -> int:
    if len(parts) < 2 or parts[1].lower() in ("off", "null"):
        return 0
    if parts[1].lower() == "on":
        return 1
    try:
        return max(int(parts[1]), 0)
    except ValueError:
        raise UnbraidError(f"line {number}, {' '.join(parts)!r:.60}: no smoothing group",
                           hint="expected a whole number or off") from None
