"""Polygons whose corners have places, texture coordinates and normals, as triangles of one set of vertices."""

from __future__ import annotations

import numpy as np

from unbraid_plugins.opengl.scene.creases import creases_of
from unbraid_plugins.opengl.scene.parts import Look, Part
from unbraid_plugins.opengl.scene.polygons import triangles


def part_of(points: np.ndarray, corner: np.ndarray, sizes: np.ndarray, notes: list[str], *,
            colours: np.ndarray | None = None, uv: np.ndarray | None = None, texture: np.ndarray | None = None,
            normals: np.ndarray | None = None, creases: np.ndarray | None = None,
            emission: np.ndarray | None = None, look: Look | None = None) -> Part:
    """Return polygons as an object.

    points: (V, 3) float64.
    corner: (C,) vertices of the polygons' corners, one polygon after the other.
    sizes: (P,) numbers of the polygons' corners.
    colours: (V, 3), or of the corners, (C, 3), in [0, 1]; (V, 4) or (C, 4) with an opacity.
    uv: (C, 2).
    texture: (3, h, w), or (4, h, w) with an opacity.
    normals: (C, 3), which make creases.
    creases: (C,) whole numbers, in place of normals.
    emission: (3, h, w).
    look: wrapping and transparency, by default repeated and opaque.
    """
    looks = (Look() if look is None else look,)
    few = sizes < 3
    if few.any():
        notes.append(f"{int(few.sum()):,} faces of fewer than three corners are left out")
        kept = ~few.repeat(sizes)
        corner, sizes = corner[kept], sizes[~few]
        uv, normals, creases = (None if a is None else a[kept] for a in (uv, normals, creases))
        colours = colours[kept] if colours is not None and len(colours) == len(kept) != len(points) else colours
    of_corners = colours is not None and len(colours) != len(points)
    cut, polygons, crossing = triangles(points[corner], sizes)
    if len(crossing):
        notes.append(f"{len(crossing):,} polygons cross themselves, and are cut as if they were convex")
    of_polygons = None if (sizes == 3).all() else polygons
    if normals is not None:
        creases = creases_of(points[corner], normals)
    keys = [corner]
    for values in (uv, colours if of_corners else None):
        if values is not None:
            keys.append(np.unique(values, axis=0, return_inverse=True)[1].reshape(-1))
    if creases is not None:
        keys.append(creases)
    if len(keys) == 1:
        return Part(points, corner[cut], colours, polygons=of_polygons, looks=looks)
    _, first, vertex = np.unique(np.stack(keys, 1), axis=0, return_index=True, return_inverse=True)
    faces = vertex.reshape(-1)[cut]
    if colours is not None:
        colours = colours[first if of_corners else corner[first]]
    if uv is not None:
        uv = uv[first]
    return Part(points[corner[first]], faces, colours, uv, texture, None if creases is None else creases[first],
                of_polygons, emission, looks)
