"""A batch of triangle meshes with colours or a texture."""

from __future__ import annotations

from typing import Any, cast

import attrs
import torch
from torch import Tensor

from unbraid import UnbraidError, static, value
from unbraid_plugins.opengl.numerics.ranges import expect_floats
from unbraid_plugins.opengl.numerics.rows import rows
from unbraid_plugins.opengl.scene.materials import Materials
from unbraid_plugins.opengl.scene.texture import spots, texels
from unbraid_plugins.opengl.scene.topology import Topology


@value
class Mesh:
    """Surfaces of one topology.

    vertices: (B, V, 3).
    topology: the faces, and their materials where there are any.
    colours: (B or 1, V, C) in [0, 1], interpolated over the faces.
    uv: (B or 1, U, 2), texture coordinates in [0, 1], (0, 0) at the lower left of the texture.
    texture: (B or 1, C, h, w) in [0, 1], row 0 on top.
    emission: (B or 1, C, h, w) in [0, 1], light that the surface gives, at the same texture coordinates.
    origin: the place in its file's coordinates that vertices count from; files that are written count from it again.

    With a texture and colours, their product is the albedo; without both, the surface is white. With `Materials`,
    texture coordinates may be anywhere, several pictures lie on the texture, and colours and texture may have an
    opacity.

    Raises UnbraidError for other shapes and for whole numbers.
    """

    vertices: Tensor
    topology: Topology = static()
    colours: Tensor | None = None
    uv: Tensor | None = None
    texture: Tensor | None = None
    origin: tuple[float, ...] = static(default=(0.0, 0.0, 0.0))
    emission: Tensor | None = None

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.vertices, Tensor):
            return                                 # a map of tensors may put other things in their places
        _expect("vertices", self.vertices, "(B, V, 3)", 3, {2: 3})
        for name, hint in (("vertices", "convert them: vertices.float()"), ("colours", "divide 0 to 255 by 255"),
                           ("uv", "convert them: uv.float()"), ("texture", "divide 0 to 255 by 255"),
                           ("emission", "divide 0 to 255 by 255")):
            expect_floats(f"the mesh's {name}", getattr(self, name), hint)
        if self.colours is not None:
            _expect("colours", self.colours, "(B, V, C)", 3, {1: self.vertices.shape[1]})
        if self.uv is not None:
            _expect("uv", self.uv, "(B, U, 2)", 3, {2: 2})
        for name, picture in (("texture", self.texture), ("emission", self.emission)):
            if picture is None:
                continue
            _expect(name, picture, "(B, C, h, w)", 4, {})
            if self.uv is None:
                raise UnbraidError(f"a mesh with {name.replace('texture', 'a texture')} needs texture coordinates",
                                   hint="give uv of shape (B, U, 2)")

    @staticmethod
    def of(vertices: Tensor, faces: Tensor, *, colours: Tensor | None = None, uv: Tensor | None = None,
           texture: Tensor | None = None, texture_faces: Tensor | None = None, materials: Materials | None = None,
           emission: Tensor | None = None) -> Mesh:
        """Return a mesh of faces (F, 3), welded where the first mesh's vertices are at the same place."""
        expect_floats("the mesh's vertices", vertices, "convert them: vertices.float()")
        welded = None if vertices.is_meta or vertices.ndim != 3 or not len(vertices) else vertices[0]
        topology = Topology.of(faces, welded, texture_faces, materials=materials)
        return Mesh(vertices, topology, colours, uv, texture, emission=emission)

    def but(self, **fields: Any) -> Mesh:
        """Return the same mesh with other fields."""
        changed: Mesh = attrs.evolve(cast(Any, self), **fields)
        return changed

    @property
    def faces(self) -> Tensor:
        """The faces (F, 3), on the device of the vertices."""
        return self.topology.to(self.vertices.device).faces

    def normals(self) -> Tensor:
        """Return unit normals of the vertices, (B, V, 3): the mean over the faces around, weighted by their areas.

        A vertex without a face has 0. Vertices that are welded share their normal, except at creases.
        """
        topology = self.topology.to(self.vertices.device)
        batch, count, _ = self.vertices.shape
        flat = self.vertices.reshape(batch * count, 3)
        first = count * torch.arange(batch, device=flat.device)[:, None]
        across = self._across()
        total = flat.new_zeros(flat.shape)
        shared = topology.normals_of
        corners = topology.faces if shared is None else shared[topology.faces]
        for i in range(3):
            total = total.index_add(0, (first + corners[:, i]).flatten(), across)
        if shared is not None:
            total = rows(total, (first + shared).flatten())
        return _unit(total).reshape(batch, count, 3)

    def face_normals(self) -> Tensor:
        """Return unit normals of the faces, (B, F, 3); 0 where a face has no area."""
        return _unit(self._across()).reshape(len(self.vertices), -1, 3)

    def surface(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return vertices (B, V, 3), faces (F, 3) and the vertices' colours (B, V, 3) or None, for viewers.

        A texture is looked up at the vertices, at one of the places that they have on it.
        """
        topology = self.topology.to(self.vertices.device)
        batch, count, _ = self.vertices.shape
        colours = self.colours
        if self.texture is not None and self.uv is not None:
            corners = topology.faces if topology.texture_faces is None else topology.texture_faces
            none = torch.zeros(count, dtype=torch.long, device=corners.device)
            uv = self.uv[:, none.scatter(0, topology.faces.flatten(), corners.flatten())].expand(batch, -1, -1)
            number = torch.arange(len(corners), device=corners.device).repeat_interleave(3)
            face = none.scatter(0, topology.faces.flatten(), number).repeat(batch)
            sample = torch.arange(batch, device=corners.device).repeat_interleave(count)
            painted = texels(self.texture, spots(uv).reshape(-1, 2), sample, topology.materials, face)
            painted = painted.reshape(batch, count, -1)
            colours = painted if colours is None else painted * colours
        if colours is not None and topology.materials is not None and topology.materials.has_opacity:
            colours = colours[..., :-1]
        return self.vertices, topology.faces, None if colours is None else colours.expand(batch, count, 3)

    def _across(self) -> Tensor:
        """Return normals of the faces, as long as twice their areas, (B * F, 3)."""
        corners = self.topology.to(self.vertices.device).corners
        batch, count, _ = self.vertices.shape
        flat = self.vertices.reshape(batch * count, 3)
        first = count * torch.arange(batch, device=flat.device)[:, None]
        a, b, c = (rows(flat, (first + corners[:, i]).flatten()) for i in range(3))
        return (b - a).cross(c - a, dim=-1)


def _unit(v: Tensor) -> Tensor:
    """Return vectors (N, 3) scaled to length 1, 0 where they had next to none; the gradient is finite there, too."""
    square = v.square().sum(-1, keepdim=True)
    long = square > 1e-30
    return v * long / square.where(long, square.new_ones(())).sqrt()


def _expect(name: str, t: Tensor, form: str, ndim: int, sizes: dict[int, int]) -> None:
    if t.ndim != ndim or any(t.shape[i] != n for i, n in sizes.items()):
        wanted = ", ".join(f"size {n} in dimension {i}" for i, n in sizes.items())
        raise UnbraidError(f"the mesh's {name} have the shape {tuple(t.shape)}",
                           hint=f"expected {form}" + (f" with {wanted}" if wanted else ""))
