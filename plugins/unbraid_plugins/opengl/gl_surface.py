"""Whole pictures by OpenGL, where nobody wants gradients: colours, textures and light in the fragment shader."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from unbraid_plugins.opengl.gl_context import screen
from unbraid_plugins.opengl.gl_raster import chunks, leaving, order, sizes
from unbraid_plugins.opengl.light import DirectionalLight, Light
from unbraid_plugins.opengl.mesh import Mesh
from unbraid_plugins.opengl.shaders import surface


def paintable(mesh: Mesh, channels: int) -> bool:
    """Whether the shader knows how: single precision, up to three colours, faces that a float counts exactly."""
    return mesh.vertices.dtype == torch.float32 and channels <= 3 and len(mesh.topology.faces) < 2**24


def picture(mesh: Mesh, clip: Tensor, light: Light | None, size: tuple[int, int], *, cull: bool,
            ) -> tuple[Tensor, Tensor]:
    """The surfaces as a camera sees them: clip (B, V, 4), up to three colours, bilinear textures.

    Returns (B, H, W, 4), up to three colours in [0, 1] and last the alpha, 0 where nothing is; and the faces as
    `rasterize` gives them.
    """
    batch, topology = len(clip), mesh.topology
    layers = torch.zeros(0) if not len(topology.faces) else torch.empty(batch, *size, 4)
    if layers.numel() and clip.shape[1]:
        faces, vertex, spot = topology.corners_with_texture
        faces = faces.int()
        attributes = {"colour": mesh.colours if mesh.colours is None else mesh.colours[:, vertex],
                      "uv": None if mesh.texture is None or mesh.uv is None else mesh.uv[:, spot],
                      "normal": None if light is None else mesh.normals()[:, vertex]}
        out = leaving(clip)
        shaders = surface(*(name for name, is_so in {
            "COLOURED": mesh.colours is not None, "TEXTURED": mesh.texture is not None,
            "LAYERED": mesh.texture is not None and len(mesh.texture) > 1, "LIT": light is not None,
            "DIRECTIONAL": isinstance(light, DirectionalLight), "LEAVING": out}.items() if is_so))
        texture = None if mesh.texture is None else _texels(mesh.texture)
        table = None if light is None else light.table()
        points = clip if topology.texture_faces is None else clip[:, vertex]
        for part in chunks(batch, *size):
            tables = {} if texture is None else {"texture_": texture[0] if len(texture) == 1 else texture[part]}
            if table is not None:
                tables["light"] = _wide(_part(table, part))
            units = {name: unit for unit, name in enumerate(tables)}
            screen().paint(shaders, {**sizes(points[part], faces), **units}, _corners(points[part], attributes, part),
                           order(points[part], faces), {"f4": [layers[part]]}, cull=cull, leaving=out, textures=tables)
    else:
        layers = torch.zeros(batch, *size, 4)
    ids = layers[..., 3].to(torch.int64).sub_(1)
    layers[..., 3].clamp_(max=1)
    return layers, ids


def _corners(points: Tensor, attributes: dict[str, Tensor | None], part: slice) -> dict[str, Tensor]:
    """The vertices' places and attributes as tables of their own rows."""
    rows = {"corner": points.reshape(-1, 4).contiguous()}
    for name, t in attributes.items():
        if t is not None:
            here = _part(t, part).float() if name == "uv" else _wide(_part(t, part).float())
            rows[name] = here.expand(len(points), -1, -1).reshape(-1, here.shape[2]).contiguous()
    return rows


def _texels(texture: Tensor) -> Tensor:
    """Textures (n, C, h, w) as OpenGL looks them up fastest: four numbers a texel, (n, h, w, 4)."""
    wide = texture.new_empty(len(texture), *texture.shape[2:], 4)
    wide[..., :texture.shape[1]] = texture.permute(0, 2, 3, 1)
    wide[..., texture.shape[1]:] = 0
    return wide


def _part(t: Tensor, part: slice) -> Tensor:
    return t if len(t) == 1 else t[part]


def _wide(t: Tensor, width: int = 3) -> Tensor:
    return functional.pad(t, (0, width - t.shape[-1]))
