"""Scenes of the generator, m = [s, t, b], and their meshes."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid import UnbraidError, operation, static, value
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.papers.shape3d.grid import Form, places, topology


@value
class Surface:
    """s: a surface as an image of positions.

    points: (B, 3, N, N), x, y and z of the vertices.
    form: sheet; or ball, whose borders are sewn together.
    """

    points: Tensor
    form: Form = static()

    def __attrs_post_init__(self) -> None:
        p = self.points
        if isinstance(p, Tensor) and (p.ndim != 4 or p.shape[1] != 3 or p.shape[2] != p.shape[3]):
            raise UnbraidError(f"the surface's points have the shape {tuple(p.shape)}", hint="expected (B, 3, N, N)")


@value
class Scene:
    """A scene, m = [s, t, b].

    surface: s.
    texture: t (B, C, h, w) in [0, 1], spread over the surface.
    background: b (B, C, h, w) in [0, 1], larger than the image, which shows a part of it.
    """

    surface: Surface
    texture: Tensor
    background: Tensor


@operation
def mesh(surface: Surface, texture: Tensor) -> Mesh:
    """Mesh of a surface with its texture, for a renderer or a file.

    surface: points (B, 3, N, N).
    texture: (B, C, h, w) in [0, 1].

    Returns a Mesh of 2 (N - 1)^2 triangles.  The centres of the texture's outermost texels lie on the surface's border,
    so a ball has no seam if the texture has none.
    """
    points = surface.points
    side, (height, width) = points.shape[2], texture.shape[2:]
    shrunk = places(side) * torch.tensor([1 - 1 / width, 1 - 1 / height])[:, None, None]
    uv = 0.5 * (shrunk.flatten(1).T[None] + 1)
    return Mesh(points.flatten(2).mT, topology(surface.form, side), uv=uv.to(points), texture=texture)
