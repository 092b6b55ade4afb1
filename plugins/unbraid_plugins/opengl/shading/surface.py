"""Colours of a surface where it is seen."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from unbraid.values import map_tensors, tensors
from unbraid_plugins.opengl.numerics.pixels import gathered, scattered
from unbraid_plugins.opengl.numerics.rows import columns, rows
from unbraid_plugins.opengl.raster.gl_surface import picture
from unbraid_plugins.opengl.scene.light import Light
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.texture import spots, texels
from unbraid_plugins.opengl.shading.fragments import Fragments
from unbraid_plugins.opengl.shading.planes import Planes, planes

PART = 2**19                                       # pixels at a time backwards: more takes memory and saves little time


def surface(mesh: Mesh, front: Fragments | Planes, light: Light | None, channels: int, unit: Tensor | None = None,
            steps: Tensor | None = None, *, spot: Tensor | None = None, blind: bool = False) -> Tensor:
    """Return albedo times shading, and emission, (N + T, C); an image shows the part of it within [0, 1].

    unit: the normals there, (N + T, 3), where they are known.
    spot: the places in the texture, (2, N), where they are known.
    steps: `to_the_next`, for mipmapped textures.
    blind: the values are not wanted, only their gradients.

    Of a mesh with an opacity it is the last channel, (N + T, C + 1).
    """
    topology = mesh.topology.to(mesh.vertices.device)
    colour = glow = None
    if mesh.colours is not None:
        colour = front.interpolated(mesh.colours.to(mesh.vertices), topology.faces)
    if mesh.uv is not None and not (mesh.texture is None and mesh.emission is None):
        corners = topology.faces if topology.texture_faces is None else topology.texture_faces
        corner = spots(mesh.uv.to(mesh.vertices))
        known = (spot,) if isinstance(front, Planes) else ()
        place = front.interpolated(corner, corners, *known)
        moved = None
        if steps is not None and isinstance(front, Fragments):
            moved = torch.stack([front.changed(corner, corners, steps[:, i]) for i in (0, 1)], 1)
        blind = blind and colour is None and light is None
        seen, glow = (None if table is None else texels(
            table.to(mesh.vertices), place, front.sample, topology.materials, front.of_pixels, steps=moved, blind=blind)
            for table in (mesh.texture, mesh.emission))
        if seen is not None:
            colour = seen if colour is None else colour * seen
    extra = int(topology.materials is not None and topology.materials.has_opacity)
    if colour is None:
        colour = mesh.vertices.new_ones(len(front.sample), channels + extra)
    if light is None and glow is None:
        return colour
    colour, opacity = colour[:, :channels], colour[:, channels:]
    if light is not None:
        if unit is None:
            unit = functional.normalize(front.interpolated(mesh.normals(), topology.faces))
        colour = colour * light.shading(unit, front.sample)
    colour = colour if glow is None else colour + glow
    return torch.cat([colour, opacity], 1) if extra else colour


def facing(mesh: Mesh, front: Fragments, clip: Tensor, *, flat: bool = False, both_sides: bool = False) -> Tensor:
    """Return unit normals of the surface at the fragments, (N + T, 3).

    flat: those of faces; both_sides: those of the side that is seen.
    """
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
            front: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Draw a `picture` by OpenGL, with gradients to all of the scene that torch computes on demand; once."""
    leaves = [clip, *tensors(mesh), *tensors(light)]
    return _Painted.apply((mesh, light, size, channels, cull, front), *leaves)       


def shaded(mesh: Mesh, clip: Tensor, ids: Tensor, light: Light | None, channels: int) -> tuple[Tensor, Tensor]:
    """Return by torch the images and the alpha of `painted`, for faces (B, H, W) that are known."""
    batch, height, width = ids.shape
    front = planes(ids, clip, mesh.topology.to(clip.device).faces)
    colour = surface(mesh, front, light, channels).clamp(0, 1)
    return scattered(colour, front.pixel, (batch, height, width), front.sample), (ids[:, None] >= 0).to(clip.dtype)


class _Painted(torch.autograd.Function):
    """Drawing by OpenGL with a backward pass by torch, which computes the covered pixels anew."""

    @staticmethod
    def forward(ctx: Any, scene: tuple[Any, ...], *leaves: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mesh, light, size, channels, cull, front = scene
        ctx.scene, ctx.channels = map_tensors(Tensor.detach, (mesh, light)), channels
        ctx.within = _within(*ctx.scene)
        image, alpha, ids, texel = picture(ctx.scene[0], leaves[0].detach(), ctx.scene[1], size, channels, cull=cull,
                                           front=front, within=ctx.within)
        ctx.save_for_backward(ids, texel, *leaves)
        ctx.mark_non_differentiable(alpha, ids)
        ctx.set_materialize_grads(False)
        return image, alpha, ids

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor | None, *_: None) -> tuple[Tensor | None, ...]:
        ids, texel, *leaves = ctx.saved_tensors
        if slope is None:
            return None, *(None for _ in leaves)
        batch, height, width = ids.shape
        step = max(1, PART // max(1, height * width))
        if batch <= step:
            return None, *_gradients(ctx, leaves, ids, texel, slope)
        found = [torch.zeros_like(t) if need else None
                 for t, need in zip(leaves, ctx.needs_input_grad[1:], strict=True)]
        for start in range(0, batch, step):
            part = slice(start, min(start + step, batch))
            parts = [t if len(t) == 1 else t[part] for t in leaves]
            seen = ids[part], None if texel is None else texel[part]
            for whole, own in zip(found, _gradients(ctx, parts, *seen, slope[part]), strict=True):
                if whole is not None and own is not None:
                    (whole if len(whole) == 1 else whole[part]).add_(own)
        return None, *found


def _within(mesh: Mesh, light: Light | None) -> bool:
    """Return whether all colours that the mesh shows are in [0, 1] without clamping."""
    ends = [t.aminmax() for t in (mesh.colours, mesh.texture) if t is not None and t.numel()]
    return light is None and mesh.emission is None and all(bool(low >= 0) and bool(high <= 1) for low, high in ends)


def _gradients(ctx: Any, leaves: list[Tensor], ids: Tensor, texel: Tensor | None, slope: Tensor,
               ) -> list[Tensor | None]:
    """Return the gradients of these leaves of the scene, where needed, by those of the image (B, C, H, W)."""
    needed = ctx.needs_input_grad[1:]
    with torch.enable_grad():
        again = [t.detach().requires_grad_(need) for t, need in zip(leaves, needed, strict=True)]
        rest = iter(again[1:])
        mesh, light = map_tensors(lambda _: next(rest), ctx.scene)
        front = planes(ids, again[0], mesh.topology.faces)
        spot = None if texel is None else columns(texel.flatten(0, 2), front.pixel)
        colour = surface(mesh, front, light, ctx.channels, spot=spot, blind=ctx.within)
        if not ctx.within:
            colour = colour.clamp(0, 1)
    if not colour.requires_grad:
        return [None] * len(leaves)
    rows = gathered(slope.contiguous(), front.pixel, front.sample)
    found = iter(torch.autograd.grad(colour, [t for t in again if t.requires_grad], rows, allow_unused=True))
    return [next(found) if need else None for need in needed]
