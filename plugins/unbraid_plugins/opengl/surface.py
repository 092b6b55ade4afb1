"""The colour of a surface where it is seen."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from unbraid.values import map_tensors, tensors
from unbraid_plugins.opengl.fragments import Fragments, fragments
from unbraid_plugins.opengl.gl_surface import picture
from unbraid_plugins.opengl.light import Light
from unbraid_plugins.opengl.mesh import Mesh
from unbraid_plugins.opengl.rows import rows
from unbraid_plugins.opengl.texture import sampled


def surface(mesh: Mesh, front: Fragments, light: Light | None, channels: int, unit: Tensor | None = None) -> Tensor:
    """Albedo times shading in [0, 1], (N + T, C); unit: the normals there, (N + T, 3), where they are known."""
    topology = mesh.topology.to(mesh.vertices.device)
    colour = None
    if mesh.colours is not None:
        colour = front.interpolated(mesh.colours.to(mesh.vertices), topology.faces)
    if mesh.texture is not None and mesh.uv is not None:
        corners = topology.faces if topology.texture_faces is None else topology.texture_faces
        uv = front.interpolated(mesh.uv.to(mesh.vertices), corners)
        texels = sampled(mesh.texture.to(mesh.vertices), uv, front.sample)
        colour = texels if colour is None else colour * texels
    if colour is None:
        colour = mesh.vertices.new_ones(len(front.sample), channels)
    if light is not None:
        if unit is None:
            unit = functional.normalize(front.interpolated(mesh.normals(), topology.faces))
        colour = colour * light.shading(unit, front.sample)
    return colour.clamp(0, 1)


def facing(mesh: Mesh, front: Fragments, clip: Tensor, *, flat: bool = False, both_sides: bool = False) -> Tensor:
    """Unit normals of what is seen, (N + T, 3): flat, those of faces; both_sides, those of the side that is seen."""
    faces = mesh.topology.to(clip.device).faces
    if flat:
        normals = mesh.face_normals()
        batch, count, _ = normals.shape
        unit = rows(normals.reshape(-1, 3), front.face + (count * front.sample if batch > 1 else 0))
    else:
        unit = functional.normalize(front.interpolated(mesh.normals(), faces))
    if not both_sides:
        return unit
    corners = clip.detach()[front.sample[:, None], faces[front.face]].double()
    return unit * (torch.linalg.det(corners[:, :, [0, 1, 3]]).ge(0).to(clip.dtype)[:, None] * 2 - 1)


def painted(mesh: Mesh, clip: Tensor, light: Light | None, size: tuple[int, int], channels: int, *, cull: bool,
            ) -> tuple[Tensor, Tensor]:
    """`picture` by OpenGL, with gradients to all of the scene that torch finds when they are asked for.  Once."""
    leaves = [clip, *tensors(mesh), *tensors(light)]
    if not torch.is_grad_enabled() or not any(t.requires_grad for t in leaves):
        return picture(mesh, clip, light, size, cull=cull)
    return _Painted.apply((mesh, light, size, channels, cull), *leaves)         # type: ignore[no-any-return]


class _Painted(torch.autograd.Function):
    """OpenGL forwards, and torch backwards: what it does on the covered pixels is done anew."""

    @staticmethod
    def forward(ctx: Any, scene: tuple[Any, ...], *leaves: Tensor) -> tuple[Tensor, Tensor]:
        mesh, light, size, channels, cull = scene
        layers, ids = picture(map_tensors(Tensor.detach, mesh), leaves[0].detach(), map_tensors(Tensor.detach, light),
                              size, cull=cull)
        ctx.scene, ctx.channels = map_tensors(Tensor.detach, (mesh, light)), channels
        ctx.save_for_backward(ids, *leaves)
        ctx.mark_non_differentiable(ids)
        ctx.set_materialize_grads(False)
        return layers, ids

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
        ids, *leaves = ctx.saved_tensors
        if slope is None:
            return None, *(None for _ in leaves)
        with torch.enable_grad():
            again = [t.detach().requires_grad_(need) for t, need in zip(leaves, ctx.needs_input_grad[1:], strict=True)]
            rest = iter(again[1:])
            mesh, light = map_tensors(lambda _: next(rest), ctx.scene)
            front = fragments(ids, again[0], mesh.topology.faces)
            colour = surface(mesh, front, light, ctx.channels)
        wanted = [t for t in again if t.requires_grad]
        rows = slope.reshape(-1, 4).index_select(0, front.pixel)[:, :ctx.channels]
        found = iter(torch.autograd.grad(colour, wanted, rows, allow_unused=True)
                     if colour.requires_grad else [None] * len(wanted))
        return None, *(next(found) if t.requires_grad else None for t in again)
