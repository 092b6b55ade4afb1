"""Reading meshes from Wavefront .obj files."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch

from unbraid import UnbraidError
from unbraid_plugins.opengl.mesh import Mesh


def read_obj(file: Path | str) -> Mesh:
    """The mesh of a file, a batch of 1: vertices, faces and texture coordinates; polygons are cut into triangles.

    Normals and materials are left to others.  Raises UnbraidError where a line can't be read.
    """
    file = Path(file)
    places: list[list[float]] = []
    uvs: list[list[float]] = []
    faces: list[list[int]] = []
    texture_faces: list[list[int]] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        word, *rest = line.split("#")[0].split() or [""]
        try:
            if word == "v":
                places.append([float(n) for n in rest[:3]])
            elif word == "vt":
                uvs.append([float(n) for n in rest[:2]])
            elif word == "f":
                corners = [c.split("/") for c in rest]
                faces += _fan([_index(c[0], len(places)) for c in corners])
                if all(len(c) > 1 and c[1] for c in corners):
                    texture_faces += _fan([_index(c[1], len(uvs)) for c in corners])
        except ValueError as error:
            raise UnbraidError(f"{file}:{number}: {line.strip()!r} can't be read: {error}",
                               hint="v has three numbers, vt two, f at least three corners like 1/2/3") from error
    if not faces:
        raise UnbraidError(f"{file}: no faces", hint="a Wavefront file has lines like: f 1/1 2/2 3/3")
    textured = len(texture_faces) == len(faces)
    return Mesh.of(torch.tensor(places)[None], torch.tensor(faces), uv=torch.tensor(uvs)[None] if textured else None,
                   texture_faces=torch.tensor(texture_faces) if textured else None)


def _index(text: str, count: int) -> int:
    """From 1, or backwards from -1."""
    index = int(text)
    place = index - 1 if index > 0 else count + index
    if not 0 <= place < count:
        raise ValueError(f"there is no number {index} of {count}")
    return place


def _fan(corners: list[int]) -> list[list[int]]:
    if len(corners) < 3:
        raise ValueError(f"a face of {len(corners)} corners")
    return [[corners[0], b, c] for b, c in pairwise(corners[1:])]
