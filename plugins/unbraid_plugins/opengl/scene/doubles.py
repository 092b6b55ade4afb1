"""Faces that a file has twice, in one order or in both: the second one is dropped, or has separate normals."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from unbraid_plugins.opengl.scene.creases import places_of
from unbraid_plugins.opengl.scene.parts import Part


def without_doubles(part: Part, notes: list[str]) -> Part:
    """Drop polygons that have the corners of an earlier one and look like it; others there have separate normals.

    Polygons of opposite orders at one place have opposite normals, whose sum would be nothing.
    """
    place = places_of(part.vertices)
    polygon = np.arange(len(part.faces)) if part.polygons is None else part.polygons
    shape = _sums(polygon, place[part.faces])
    _, first, of = np.unique(shape, return_index=True, return_inverse=True)
    earlier = first[of.reshape(-1)]
    double = earlier != np.arange(len(shape))
    if not double.any():
        return part
    a, b, c = (part.vertices[part.faces[:, i]] for i in range(3))
    across = np.zeros((len(shape), 3))
    np.add.at(across, polygon, np.cross(b - a, c - a))
    turned = double & ((across * across[earlier]).sum(1) < 0)
    look = _sums(polygon, _looks(part, place)[part.faces])
    material = np.zeros(len(shape), np.int64)
    material[polygon] = part.look
    same = double & (look == look[earlier]) & (material == material[earlier])
    kept = ~same[polygon]
    faces = part.faces[kept]
    if same.any():
        notes.append(f"faces that are there twice: {int(same.sum()):,} are left out, "
                     f"{int((same & turned).sum()):,} of them in the opposite order")
        if (same & turned).any():
            faces = np.where(_against(place[faces])[:, None], faces[:, ::-1], faces)
    behind = turned[polygon][kept]
    part = attrs.evolve(part, faces=faces, polygons=None, look=part.look[kept])
    return _apart(part, behind) if behind.any() else part


def _sums(polygon: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return a number for every polygon that is the same for polygons with the same corners, in any order.

    polygon: (F,); corners: (F, 3) whole numbers from 0.
    """
    pairs = np.unique(np.stack([polygon.repeat(3), corners.reshape(-1)], 1), axis=0)
    dice = np.random.default_rng(0).integers(2**63, size=int(corners.max(initial=0)) + 1, dtype=np.uint64)
    sums = np.zeros(int(polygon.max(initial=-1)) + 1, np.uint64)
    np.add.at(sums, pairs[:, 0], dice[pairs[:, 1]])
    empty = np.bincount(polygon, minlength=len(sums)) == 0
    sums[empty] = np.arange(1, 1 + int(empty.sum()), dtype=np.uint64)              # cut away, and no doubles
    return sums


def _looks(part: Part, place: np.ndarray) -> np.ndarray:
    """Return the same number for vertices at one place that look alike, (V,)."""
    arrays = [place[:, None], *(a.round(6) for a in (part.colours, part.uv if part.mapped else None)
                                if a is not None)]
    look: np.ndarray = np.unique(np.concatenate(arrays, 1), axis=0, return_inverse=True)[1].reshape(-1)
    return look


def _against(corners: np.ndarray) -> np.ndarray:
    """Return the faces to turn so that neighbours go round alike, as most of them do, (F,): none where they do already.

    Which of two opposite faces comes first may change from face to face.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order, connected_components

    sides = np.stack([corners, np.roll(corners, -1, 1)], 2).reshape(-1, 2)
    way = sides[:, 0] < sides[:, 1]
    _, edge, count = np.unique(np.sort(sides, 1), axis=0, return_inverse=True, return_counts=True)
    edge = edge.reshape(-1)
    order = np.argsort(edge, kind="stable")
    order = order[count[edge[order]] == 2].reshape(-1, 2)
    one, other = (order // 3).T
    wrong = way[order[:, 0]] == way[order[:, 1]]
    turn = np.zeros(len(corners), bool)
    if not wrong.any():
        return turn
    links = coo_array((np.where(wrong, 2.0, 1.0), (one, other)), shape=(len(corners),) * 2).tocsr()
    links = links.maximum(links.T)
    _, piece = connected_components(links, directed=False)
    for start in np.unique(piece, return_index=True)[1]:
        visited, above = breadth_first_order(links, start, directed=False)
        if len(visited) < 2:
            continue
        weights = np.asarray(links[above[visited[1:]], visited[1:]]).reshape(-1)
        for face, against in zip(visited[1:], weights == 2, strict=True):
            turn[face] = turn[above[face]] ^ against
        if 2 * turn[visited].sum() > len(visited):
            turn[visited] = ~turn[visited]
    return turn


def _apart(part: Part, behind: np.ndarray) -> Part:
    """Return an object whose faces `behind` (F,) have separate vertices and normals."""
    used, vertex = np.unique(part.faces[behind], return_inverse=True)
    faces = part.faces.copy()
    faces[behind] = len(part.vertices) + vertex.reshape(-1, 3)
    creases = np.zeros(len(part.vertices), np.int64) if part.creases is None else part.creases
    more: dict[str, Any] = {name: np.concatenate([a, a[used]])
                            for name in ("vertices", "colours", "uv") if (a := getattr(part, name)) is not None}
    creases = np.concatenate([creases, creases[used] - creases.min() + creases.max() + 1])
    return attrs.evolve(part, faces=faces, creases=creases, **more)
