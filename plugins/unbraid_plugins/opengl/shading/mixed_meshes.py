"""A batch of meshes with different faces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unbraid import UnbraidError
from unbraid.values import map_tensors, tensors
from unbraid_plugins.opengl.numerics.precision import precise
from unbraid_plugins.opengl.scene.camera import Camera
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.shading.draw import Rendering, channels_of, draw


@precise
def draw_different(meshes: Sequence[Mesh], camera: Camera, size: tuple[int, int], *, light: Any = None,
                   background: Any = None, **options: Any) -> Rendering:
    """Render meshes of different topology; the options are `draw`'s.

    meshes: N, each of one shape or of several, which follow each other in the batch of B images.
    camera, light, background: of B images, or of 1 for all.

    The result is a Rendering of B images whose ids count each mesh's own faces.

    Raises UnbraidError for sizes that do not fit, and without a mesh.
    """
    if not meshes:
        raise UnbraidError("there is no mesh to draw", hint="give at least one")
    counts = [len(mesh.vertices) for mesh in meshes]
    sizes = {len(t) for part in (camera, light, background) for t in tensors(part)} - {1, sum(counts)}
    if sizes:
        found = ", ".join(map(str, sorted(sizes)))
        raise UnbraidError(f"camera, light or background are of {found} images, the meshes of {sum(counts)}",
                           hint="as many as the meshes' shapes together, or 1, which is repeated")
    channels = {channels_of(mesh) for mesh in meshes}
    if len(channels) > 1:
        raise UnbraidError(f"the meshes have {' and '.join(map(str, sorted(channels)))} colours",
                           hint="give all as many; one that says nothing about its colours has 3")
    drawn, start = [], 0
    for mesh, count in zip(meshes, counts, strict=True):
        part = slice(start, start + count)
        seen, lamp, behind = (map_tensors(lambda t, part=part: t if len(t) == 1 else t[part], v)  # type: ignore[misc]
                              for v in (camera, light, background))
        drawn.append(draw(mesh, seen, size, light=lamp, background=behind, **options))
        start += count
    return Rendering(*(_together([getattr(r, name) for r in drawn])
                       for name in ("colour", "alpha", "depth", "normals", "ids")))


def _together(parts: list[Tensor | None]) -> Any:
    found = [t for t in parts if t is not None]
    return torch.cat(found) if found else None
