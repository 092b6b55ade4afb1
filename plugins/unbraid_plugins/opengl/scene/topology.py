"""Topology: the vertices of the faces, and the faces that meet at the edges, computed once per mesh."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import attrs
import torch
from torch import Tensor

from unbraid import UnbraidError
from unbraid_plugins.opengl.numerics.precision import precise
from unbraid_plugins.opengl.scene.materials import Materials


@attrs.frozen(eq=False)
class Topology:
    """Triangles, the same for every mesh of a batch.

    faces: (F, 3) indices of vertices, counter-clockwise seen from outside.
    texture_faces: (F, 3) indices of texture coordinates, or None where they are the faces themselves.
    welded: (V,) the first vertex at the same place for every vertex, or None.
    smoothed: (V,) the first vertex with the same normal for every vertex, or None where welded ones share theirs.
    materials: those of the faces, or None where the texture is one picture whose border continues, and all is opaque.

    With welding, a seam that the texture needs is no border of the surface; neither is a crease.
    """

    faces: Tensor
    texture_faces: Tensor | None = None
    welded: Tensor | None = None
    smoothed: Tensor | None = None
    materials: Materials | None = None
    _moved: dict[torch.device, Topology] = attrs.field(init=False, factory=dict, repr=False)

    def __attrs_post_init__(self) -> None:
        for name in ("faces", "texture_faces"):
            faces = getattr(self, name)
            if faces is not None and (faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype != torch.int64):
                raise UnbraidError(f"{name} are {faces.dtype} of shape {tuple(faces.shape)}",
                                   hint="triangles are int64 indices of shape (F, 3)")
        if self.texture_faces is not None and self.texture_faces.shape != self.faces.shape:
            raise UnbraidError(f"{len(self.texture_faces)} texture faces for {len(self.faces)} faces",
                               hint="every face has three texture coordinates")
        if self.materials is not None and self.materials.of.shape != self.faces.shape[:1]:
            raise UnbraidError(f"materials of {len(self.materials.of)} faces for {len(self.faces)} faces",
                               hint="every face has one material")

    @staticmethod
    def of(faces: Tensor, vertices: Tensor | None = None, texture_faces: Tensor | None = None,
           creases: Tensor | None = None, materials: Materials | None = None) -> Topology:
        """Return the topology of faces (F, 3), with vertices (V, 3), where given, welded at equal places.

        creases: (V,) numbers, or None; vertices at one place have one normal where their numbers are equal.
        materials: those of the faces, or None.
        """
        if vertices is None:
            return Topology(faces, texture_faces, materials=materials)
        smoothed = None if creases is None else welding(torch.cat([vertices.double(), creases[:, None].double()], 1))
        return Topology(faces, texture_faces, welding(vertices), smoothed, materials)

    def to(self, device: torch.device) -> Topology:
        """Return the same topology on a device; the result is remembered."""
        if self.faces.device == device:
            return self
        if device not in self._moved:
            others: Any = (None if t is None else t.to(device) for t in (
                self.texture_faces, self.welded, self.smoothed, self.materials))
            self._moved[device] = Topology(self.faces.to(device), *others)
        return self._moved[device]

    def expect(self, vertices: int, spots: int | None) -> None:
        """Raise UnbraidError where a face has a vertex or a texture coordinate that does not exist.

        vertices: the number of vertices; spots: the number of texture coordinates, or None.
        """
        ends, of_texture = self._ends
        for (low, high), count, what in ((ends, vertices, "vertex"), (of_texture, spots, "texture coordinate")):
            if count is not None and (low < 0 or high >= count):
                raise UnbraidError(f"a face has a {what} {low if low < 0 else high}, and there are {count}",
                                   hint="faces count them from 0")

    @property
    def corners(self) -> Tensor:
        """The faces as indices of places: those of welded vertices, (F, 3)."""
        return self.faces if self.welded is None else self.welded[self.faces]

    @property
    def normals_of(self) -> Tensor | None:
        """The first vertex with the same normal for every vertex, (V,), None where every vertex has its own."""
        return self.welded if self.smoothed is None else self.smoothed

    @property
    def clear(self) -> Tensor | None:
        """Whether something may be seen through each face, (F,), or None where all are opaque."""
        return None if self.materials is None else self.materials.clear

    @cached_property
    def opaque(self) -> tuple[Topology, Tensor]:
        """The faces that nothing is seen through, and their numbers among all."""
        clear = self.clear
        number = torch.arange(len(self.faces), device=self.faces.device) if clear is None else (
            ~clear).nonzero().squeeze(1)
        return (self if clear is None else Topology(self.faces[number], None, self.welded, self.smoothed)), number

    @cached_property
    def rows_by_face(self) -> tuple[Tensor, Tensor, Tensor]:
        """The vertex and the texture coordinate of every row, (R,) both, and the faces, by `by_last_corner`."""
        if self.texture_faces is None:
            row, faces = by_last_corner(self.faces, int(self.faces.max()) + 1 if len(self.faces) else 0)
            return row, row, faces
        pairs = torch.stack([self.faces, self.texture_faces], -1).reshape(-1, 2)
        pairs, faces = torch.unique(pairs, dim=0, return_inverse=True)
        row, faces = by_last_corner(faces.reshape(-1, 3), len(pairs))
        return pairs[row, 0], pairs[row, 1], faces

    @cached_property
    def edges(self) -> Tensor:
        """Every edge once, (E, 2): the smaller index first."""
        return self._edges_and_sides[0]

    @cached_property
    def edge_of_side(self) -> Tensor:
        """The edge of every side of every face, (F, 3): from corner 0 to 1, 1 to 2, and 2 to 0."""
        return self._edges_and_sides[1]

    @cached_property
    def faces_of_edge(self) -> Tensor:
        """The faces around every edge, (E, k) for the largest number k of faces, F where an edge has fewer."""
        return self._around[0]

    @cached_property
    def directions(self) -> Tensor:
        """The direction of the face's side along the edge, (E, k): 1 forwards, -1 backwards, 0 without a face."""
        return self._around[1]

    @cached_property
    def oriented(self) -> bool:
        """Whether no edge has more than two faces, and two faces of an edge run along it in opposite directions.

        False, too, where all edges have a single face.
        """
        if self.directions.shape[1] != 2:
            return False
        one, other = self.directions.unbind(1)
        return bool(((other == -one) | (other == 0)).all())

    @cached_property
    def pieces(self) -> Tensor:
        """The number of the connected piece of the surface to which each face belongs, (F,)."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        ends = self.corners.cpu().numpy()
        count = int(ends.max(initial=-1)) + 1
        here, there = ends[:, [0, 0]].ravel(), ends[:, 1:].ravel()
        links = coo_array((here * 0 + 1, (here, there)), shape=(count, count))
        piece = torch.from_numpy(connected_components(links, directed=False)[1]).long()
        _, piece = torch.unique(piece[ends[:, 0]], return_inverse=True)
        return piece.to(self.faces.device)

    @cached_property
    def several(self) -> bool:
        """Whether the surface has more than one piece."""
        return bool(self.pieces.any())

    @cached_property
    def _ends(self) -> list[tuple[int, int]]:
        """The first and the last vertex, and texture coordinate, that faces have."""
        both = self.faces, self.faces if self.texture_faces is None else self.texture_faces
        return [(int(t.min()), int(t.max())) if t.numel() else (0, -1) for t in both]

    @cached_property
    def _around(self) -> tuple[Tensor, Tensor]:
        _, edge = self._edges_and_sides
        corners = self.corners
        direction = (corners.roll(-1, 1) - corners).sign().flatten()
        edge, order = edge.flatten().sort(stable=True)
        count = torch.bincount(edge, minlength=len(self.edges))
        place = torch.arange(len(edge), device=edge.device) - (count.cumsum(0) - count)[edge]
        faces = edge.new_full((len(self.edges), int(count.max()) if len(count) else 0), len(self.faces))
        signs = torch.zeros_like(faces)
        faces[edge, place], signs[edge, place] = order // 3, direction[order]
        return faces, signs

    @cached_property
    def _edges_and_sides(self) -> tuple[Tensor, Tensor]:
        corners = self.corners
        others = corners.roll(-1, 1)
        count = int(corners.max()) + 1 if len(corners) else 1
        number = (torch.minimum(corners, others) * count + torch.maximum(corners, others)).flatten()   # one for an edge
        edges, edge_of_side = torch.unique(number, return_inverse=True)
        return torch.stack([edges // count, edges % count], 1), edge_of_side.reshape(-1, 3)


def by_last_corner(faces: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return rows of corners such that row f is the last corner of face f, so that shaders know the face.

    faces: (F, 3) of `count` vertices -> the vertex of every row, (R,), and the faces as rows, (F, 3) int32.

    OpenGL's own numbers of faces (gl_PrimitiveID) make llvmpipe assemble every triangle anew, which takes longer.

    >>> vertex, corners = by_last_corner(torch.tensor([[0, 1, 2], [2, 1, 3]]), 4)
    >>> vertex, corners.tolist()
    (tensor([2, 3, 0, 1]), [[2, 3, 0], [0, 3, 1]])
    """
    number = torch.arange(len(faces), device=faces.device)
    row = faces.new_full((count,), -1)
    row[faces[:, 2]] = number
    rest = (row < 0).nonzero().squeeze(1)
    row[rest] = torch.arange(len(faces), len(faces) + len(rest), device=faces.device)
    corners = torch.stack([row[faces[:, 0]], row[faces[:, 1]], number], 1)
    return torch.cat([faces[:, 2], rest]), corners.int()


@precise
def welding(vertices: Tensor) -> Tensor:
    """Return for every vertex (V, 3) the first one at the same place, (V,).

    >>> welding(torch.tensor([[0., 0., 0.], [1., 0., 0.], [0., 0., 0.]]))
    tensor([0, 1, 0])
    """
    place = torch.zeros(len(vertices), dtype=torch.int64, device=vertices.device)
    for column in vertices.detach().unbind(1):     # one number for each place: unique rows take four times as long
        values, rank = torch.unique(column + 0.0, return_inverse=True)
        place = torch.unique(place * len(values) + rank, return_inverse=True)[1]
    first = torch.full((len(vertices),), len(vertices), device=vertices.device)
    first = first.scatter_reduce(0, place, torch.arange(len(vertices), device=vertices.device), "amin")
    return first[place]
