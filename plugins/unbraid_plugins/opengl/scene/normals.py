"""Which corners of a surface share a normal: as its file says, all, none, or by the angle between faces."""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.creases import creases_of
from unbraid_plugins.opengl.scene.parts import Part

Normals = Literal["file", "smooth", "flat"] | float


def with_normals(part: Part, normals: Normals) -> Part:
    """Return an object with these creases.  Raises UnbraidError where it is no choice.

    normals: `file`, `smooth`, `flat`, or the largest angle in degrees between faces that share a normal.
    """
    if normals == "file":
        return part
    if normals == "smooth":
        return attrs.evolve(part, creases=None)
    corner = part.faces.reshape(-1)
    if normals == "flat":
        return _split(part, corner, np.arange(len(part.faces)).repeat(3))
    if isinstance(normals, bool) or not isinstance(normals, int | float) or not 0 <= normals <= 180:
        raise UnbraidError(f"normals {normals!r:.40}", hint="expected file, smooth, flat, or an angle from 0 to 180")
    a, b, c = (part.vertices[part.faces[:, i]] for i in range(3))
    across = np.cross(b - a, c - a).repeat(3, 0)
    creases = creases_of(part.vertices[corner], across, normals)
    return attrs.evolve(part, creases=None) if creases is None else _split(part, corner, creases)


def _split(part: Part, corner: np.ndarray, creases: np.ndarray) -> Part:
    """Return an object whose vertices are separate where the creases of its corners (C,) differ."""
    _, first, vertex = np.unique(np.stack([corner, creases], 1), axis=0, return_index=True, return_inverse=True)
    of = corner[first]
    return attrs.evolve(part, vertices=part.vertices[of], faces=vertex.reshape(-1, 3), creases=creases[first],
                        colours=None if part.colours is None else part.colours[of],
                        uv=None if part.uv is None else part.uv[of])
