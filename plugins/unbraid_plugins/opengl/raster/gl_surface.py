"""Whole pictures by OpenGL, without gradients: it interpolates and lights, torch looks up the texture."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from unbraid_plugins.opengl.numerics.pixels import covered, scattered
from unbraid_plugins.opengl.raster.gl_context import screen
from unbraid_plugins.opengl.raster.gl_raster import chunks, leaving, order, sizes
from unbraid_plugins.opengl.raster.shaders import surface
from unbraid_plugins.opengl.scene.light import DirectionalLight, Light
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.texture import spots, texels


def paintable(mesh: Mesh, channels: int) -> bool:
    """Return whether the shaders can draw a mesh: single precision, up to three colours."""
    return mesh.vertices.dtype == torch.float32 and channels <= 3


def picture(mesh: Mesh, clip: Tensor, light: Light | None, size: tuple[int, int], channels: int, *, cull: bool,
            within: bool, front: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Draw the surfaces as a camera sees them: clip (B, V, 4), up to three colours, bilinear textures.

    front: the faces to draw, (B, F), or all.
    within: whether all colours are in [0, 1] without clamping.

    Returns images (B, C, H, W) in [0, 1], black where nothing is seen, their alpha (B, 1, H, W), 1 or 0, the faces as
    `rasterize` does, and the pixels' places in the texture, (B, H, W, 2), or None.
    """
    some = len(clip) and min(size) and len(mesh.topology.faces)
    film = clip.new_empty if some else clip.new_zeros                       # OpenGL writes all of it
    seen = {"face": film(len(clip), *size, 1, dtype=torch.int32)}
    mapped = not (mesh.texture is None and mesh.emission is None)
    if mapped:
        seen["texel"] = film(len(clip), *size, 2)
    if mesh.colours is not None or light is not None:
        seen["colours"] = film(len(clip), *size, 4)
    if some:
        _paint(mesh, clip, light, seen, cull=cull, front=front)
    face = seen["face"].permute(0, 3, 1, 2)
    image = alpha = (face != 0).to(clip.dtype)
    if mesh.texture is not None:
        image = _looked_up(mesh.texture, mesh, seen, alpha)
    if "colours" in seen:
        image = image * seen["colours"].permute(0, 3, 1, 2)[:, :channels]
    if mesh.emission is not None:
        image = image + _looked_up(mesh.emission, mesh, seen, alpha)
    image = image.expand(-1, channels, -1, -1).contiguous()
    return image if within else image.clamp_(0, 1), alpha, face[:, 0].to(torch.int64).sub_(1), seen.get("texel")


def _looked_up(texture: Tensor, mesh: Mesh, seen: dict[str, Tensor], alpha: Tensor) -> Tensor:
    """Return a texture at the places that the shaders found, (B, C, H, W), 0 where nothing is."""
    texel, materials = seen["texel"], mesh.topology.materials
    if materials is None:
        texture = texture.expand(len(texel), -1, -1, -1)
        return functional.grid_sample(texture, texel, align_corners=False, padding_mode="border").mul_(alpha)
    ids = seen["face"][..., 0].to(torch.int64) - 1
    pixel, sample = covered(ids)
    face, spot = ids.flatten().index_select(0, pixel), texel.flatten(0, 2).index_select(0, pixel)
    batch, height, width = ids.shape
    return scattered(texels(texture, spot, sample, materials, face), pixel, (batch, height, width), sample)


def _paint(mesh: Mesh, clip: Tensor, light: Light | None, seen: dict[str, Tensor], *, cull: bool,
           front: Tensor | None) -> None:
    """Draw the shaders' outputs into the tensors of their names."""
    vertex, spot, faces = mesh.topology.rows_by_face
    points, out = clip.index_select(1, vertex), leaving(clip)
    attributes = {"colour": None if mesh.colours is None else mesh.colours.index_select(1, vertex),
                  "spot": None if "texel" not in seen or mesh.uv is None else spots(mesh.uv).index_select(1, spot),
                  "normal": None if light is None else mesh.normals().index_select(1, vertex)}
    shaders = surface(*(name for name, is_so in {
        "COLOURED": mesh.colours is not None, "TEXTURED": "texel" in seen, "LIT": light is not None,
        "DIRECTIONAL": isinstance(light, DirectionalLight), "LEAVING": out}.items() if is_so))
    table = None if light is None else _wide(light.table())
    for part in chunks(seen["face"]):
        here = points[part]
        screen(clip.device).paint(shaders, sizes(here), _corners(here, attributes, part),
                                  order(here, faces, None if front is None else front[part]),
                                  {name: t[part] for name, t in seen.items()}, cull=cull, leaving=out,
                                  tables={} if table is None else {"light": _part(table, part)})


def _corners(points: Tensor, attributes: dict[str, Tensor | None], part: slice) -> dict[str, Tensor]:
    """Return the corners' places and attributes as tables with a row for every corner."""
    rows = {"corner": points.reshape(-1, 4).contiguous()}
    for name, t in attributes.items():
        if t is not None:
            here = _part(t, part).float() if name == "spot" else _wide(_part(t, part).float())
            rows[name] = here.expand(len(points), -1, -1).reshape(-1, here.shape[2]).contiguous()
    return rows


def _part(t: Tensor, part: slice) -> Tensor:
    return t if len(t) == 1 else t[part]


def _wide(t: Tensor, width: int = 3) -> Tensor:
    return functional.pad(t, (0, width - t.shape[-1]))
