"""A mesh as the text of a Wavefront .obj, with the .mtl and the pictures that it names."""

from __future__ import annotations

import os
import re
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from unbraid import UnbraidError, read_whole
from unbraid_plugins.opengl.scene.pieces import Piece, Shape

OURS = "Unbraid, of "                              # begins the mark of a file beside a mesh, which names the mesh
LOOKED_AT = 2**20                                  # bytes of a file that may begin with the mark


def files_of(file: Path, shape: Shape, pieces: list[Piece]) -> dict[str, bytes]:
    """Return the contents of all files by name, the .obj last; those beside it have names that replace nothing.

    A file that is there already is replaced only where it is marked as one that was written for this .obj.
    """
    beside = _Beside(file)
    stem = re.sub(r"\s+", "_", file.stem)
    names = [stem if len(pieces) == 1 else f"{stem}_{number}" for number in range(len(pieces))]
    lines, plain = [], len(pieces) == 1 and pieces[0].plain
    if not plain:
        looks = [f"# {beside.mark}", *(line for name, piece in zip(names, pieces, strict=True)
                                       for line in _material(name, piece, beside))]
        lines.append(f"mtllib {beside.add(stem, '.mtl', _text(looks))}")
    places = _rows(shape.places, 12)
    if shape.colours is not None:
        places = [f"{place} {colour}" for place, colour in zip(places, _rows(shape.colours[:, :3], 6), strict=True)]
    lines += [f"v {place}" for place in places]
    lines += [] if shape.uv is None else [f"vt {spot}" for spot in _rows(shape.uv, 9)]
    lines += [] if shape.normals is None else [f"vn {normal}" for normal in _rows(shape.normals, 6)]
    for name, piece in zip(names, pieces, strict=True):
        lines += [] if plain else [f"usemtl {name}"]
        lines += _faces(shape, piece)
    return {**beside.files, file.name: _text(lines)}


def _material(name: str, piece: Piece, beside: _Beside) -> list[str]:
    lines = [f"newmtl {name}", f"Kd {_numbers(piece.colour)}"]
    if piece.colour[3] < 1:
        lines.append(f"d {piece.colour[3]:.6g}")
    if piece.picture is not None:
        lines.append(f"map_Kd {beside.add(name, '.png', _png(piece.picture[..., :3], beside.mark))}")
        if piece.mode != "opaque" and piece.picture.shape[2] == 4:
            lines.append(f"map_d {beside.add(f'{name}_opacity', '.png', _png(piece.picture[..., 3], beside.mark))}")
    if piece.emission is not None:
        lines += ["Ke 1 1 1", f"map_Ke {beside.add(f'{name}_light', '.png', _png(piece.emission, beside.mark))}"]
    return lines


class _Beside:
    """The files beside an .obj: their contents by names that replace nothing."""

    def __init__(self, file: Path) -> None:
        self.file, self.mark = file, f"{OURS}{file.name}"
        self.files: dict[str, bytes] = {}

    def add(self, stem: str, suffix: str, content: bytes) -> str:
        """Add a file, and return its name."""
        number = 1
        while True:
            name = f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}"
            there = self.file.with_name(name)
            if name not in self.files and name != self.file.name and (
                    not os.path.lexists(there) or _is_ours(there, self.mark)):
                self.files[name] = content
                return name
            number += 1


def _faces(shape: Shape, piece: Piece) -> list[str]:
    corners = (piece.faces + 1).astype(str)
    parts = [corners]
    if shape.uv is not None and piece.picture is not None:
        parts.append((piece.texture_faces + 1).astype(str))
    if shape.normals is not None:
        parts += [corners] if len(parts) == 2 else [np.full_like(corners, ""), corners]
    words = parts[0]
    for part in parts[1:]:
        words = np.char.add(np.char.add(words, "/"), part)
    return [f"f {' '.join(row)}" for row in words.tolist()]


def _is_ours(file: Path, mark: str) -> bool:
    """Return whether a file is marked as one that was written for the same mesh."""
    try:
        if file.suffix == ".mtl":
            return read_whole(file, LOOKED_AT).startswith(f"# {mark}\n".encode())
        with Image.open(file, formats=["PNG"]) as picture:
            return bool(picture.info.get("Software") == mark)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, UnbraidError):
        return False


def _png(texture: np.ndarray, mark: str) -> bytes:
    about, content = PngInfo(), BytesIO()
    about.add_text("Software", mark)
    Image.fromarray(texture).save(content, "PNG", pnginfo=about)
    return content.getvalue()


def _text(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def _rows(values: np.ndarray, digits: int) -> list[str]:
    form = " ".join([f"%.{digits}g"] * values.shape[1])
    return [form % tuple(row) for row in values.tolist()]


def _numbers(values: np.ndarray) -> str:
    return _rows(values[None, :3], 6)[0]
