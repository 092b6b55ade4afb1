"""Simplified Wavefront .obj and .mtl for trimesh: corners count from the front, and unused materials are left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from unbraid import UnbraidError

INSTEAD = "read it without its materials (--shape-alone; in Python materials=False)"

ASIDE = re.compile(r"^(?:[ \t]+(?:#[^\n]*)?|#[^\n]*)", re.MULTILINE)               # indents and comments
NEITHER = re.compile(rb"^f\b[^\n]*[\s/](-|0[\s/\n])", re.MULTILINE)
USE = re.compile(r"^usemtl ([^\n]*)", re.MULTILINE)
LIBRARY = re.compile(r"^mtllib[ \t]+([^\n]*)", re.MULTILINE)
LIBRARIES = re.compile(r"\S.*?\.mtl(?!\S)|\S.*", re.IGNORECASE)                     # names may have spaces
NEW = re.compile(r"^[ \t]*newmtl[ \t]+", re.MULTILINE | re.IGNORECASE)
TEXTURE = re.compile(r"^[ \t]*map_Kd[ \t]+([^\n]*)", re.MULTILINE | re.IGNORECASE)
OPTION = re.compile(r"-(?:blend[uv]|bm|boost|cc|clamp|imfchan|mm|[ost]|texres|type)\s", re.IGNORECASE)
IDLE = re.compile(r"""(?: -(?: s(?:\s+1(?:\.0*)?){3} | s(?:\s+1(?:\.0*)?){1,2}(?!\s+[-+.\d]+\s)
                  | [ot](?:\s+-?0(?:\.0*)?){3} | [ot](?:\s+-?0(?:\.0*)?){1,2}(?!\s+[-+.\d]+\s)
                  | mm\s+0(?:\.0*)?\s+1(?:\.0*)? | clamp\s+off
                  | (?:blend[uv]|bm|boost|cc|imfchan|texres|type)\s+\S+ )\s+ )*""",
                  re.IGNORECASE | re.VERBOSE)      # options that leave a picture as it is


def plain(data: bytes) -> bytes:
    """Return a mesh in UTF-8, without comments and indents, with corners counted from the first vertex.

    Raises UnbraidError.
    """
    return _absolute(ASIDE.sub("", _text(data)).encode())


def materials_of(data: bytes) -> tuple[list[str], list[str]]:
    """Return the materials of a plain mesh's faces, and the files named for them; no files without materials."""
    text = data.decode()
    _, *rest = USE.split(text)
    used = {name.strip(): None for name, faces in zip(rest[::2], rest[1::2], strict=True) if "\nf" in faces}
    used.pop("", None)
    files = [name.strip() for line in LIBRARY.findall(text) for name in LIBRARIES.findall(line)]
    return list(used), list(dict.fromkeys(files)) if used else []


def expect_corners(data: bytes) -> None:
    """Raise UnbraidError where a face of a plain mesh names a vertex or a texture coordinate that is not there."""
    lines = data.decode().split("\n")
    kinds = {"v ": "vertex", "vt ": "texture coordinate"}
    counts = [sum(line.startswith(kind) for line in lines) for kind in kinds]
    for number, line in enumerate(lines, 1):
        for corner in line.split()[1:] if line.startswith("f ") else ():
            for place, kind, count in zip(corner.split("/"), kinds.values(), counts, strict=False):
                if place.isdecimal() and int(place) > count:
                    raise UnbraidError(f"line {number}: a face names the {kind} {place}, and there are {count}",
                                       hint="they count from 1")


def chosen_materials(libraries: Mapping[str, bytes], names: Sequence[str]) -> bytes:
    """Return the materials of these names alone, their textures without options.  Raises UnbraidError."""
    known = {}
    for data in libraries.values():
        for material in NEW.split(_text(data))[1:]:
            name, _, about = material.partition("\n")
            known[" ".join(name.split())] = about
    where = f"which is not in {', '.join(libraries)}" if libraries else "and no line mtllib names a file that has it"
    for name in names:
        if name not in known:
            raise UnbraidError(f"its faces name a material {name!r}, {where}", hint=f"add the material, or {INSTEAD}")
    return "\n".join(f"newmtl {name}\n{TEXTURE.sub(_by_name, known[name])}" for name in names).encode()


def _by_name(line: re.Match[str]) -> str:
    name = IDLE.sub("", line[1].strip(), count=1)
    if OPTION.match(name):
        raise UnbraidError(f"{line[0].strip()!r}: this option of a texture is not read here",
                           hint=f"bake it into the picture, or {INSTEAD}")
    return f"map_Kd {name}"


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n")


def _absolute(text: bytes) -> bytes:
    """Return a Wavefront file with its corners counted from the first vertex: -1 is the last one before the face.

    Raises UnbraidError where one is 0.
    """
    if not NEITHER.search(text):
        return text
    counts = {b"v": 0, b"vt": 0, b"vn": 0}
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words and words[0] in counts:
            counts[words[0]] += 1
        elif words and words[0] == b"f":
            corners = []
            for corner in words[1:]:
                places = [int(p) if p else None for p in corner.split(b"/")]
                places = [p and (p if p > 0 else p + 1 + count or -1)
                          for p, count in zip(places, counts.values(), strict=False)]
                if any(p is not None and p <= 0 for p in places):
                    raise UnbraidError(f"line {number}, {line.decode(errors='replace')!r}: there is no "
                                       f"{corner.decode(errors='replace')}",
                                       hint="vertices count from 1, or backwards from -1")
                corners.append(b"/".join(b"" if p is None else str(p).encode() for p in places))
            line = b"f " + b" ".join(corners)
        lines.append(line)
    return b"\n".join(lines)
