"""Views of a mesh from all around, with its depth and its normals."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence

import attrs
import numpy as np
import torch
from torch import Tensor

from unbraid_plugins.opengl.raster.rasterize import Backend
from unbraid_plugins.opengl.scene.background import Background, Panorama
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.light import DirectionalLight
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.shading.draw import Rendering, draw

PIXELS = 2**20                                     # that are drawn at a time
GAP = 2                                            # pixels between pictures


@attrs.frozen(kw_only=True, eq=False)
class Look:
    """The camera, light and background of the views of a mesh.

    size: (H, W).
    distance: of the camera from the origin, by default as near as the unit ball fits in.
    field_of_view: the camera's angle from bottom to top, in radians.
    lamp: azimuth and elevation of a lamp in radians, as the camera sees them, or None for the colours alone.
    ambient: the light that is everywhere, in [0, 1]; the lamp gives the rest.
    background: a colour (1, 3), a panorama, or None for transparency.
    cull: whether faces seen from inside are left out.
    mipmaps: whether textures that are finer than the picture are averaged.
    """

    size: tuple[int, int] = (256, 256)
    distance: float | None = None
    field_of_view: float = math.radians(30)
    lamp: tuple[float, float] | None = (math.radians(-20), math.radians(35))
    ambient: float = 0.35
    background: Background | None = attrs.field(factory=lambda: torch.ones(1, 3))
    flat: bool = False
    cull: bool = False
    mipmaps: bool = False
    backend: Backend = "auto"

    @property
    def away(self) -> float:
        """The distance of the camera."""
        height, width = self.size
        narrow = math.atan(math.tan(self.field_of_view / 2) * min(1, width / height))
        return 1.02 / math.sin(narrow) if self.distance is None else self.distance


def fitted(mesh: Mesh) -> Mesh:
    """Return the mesh in the unit ball: the middle of its box at the origin, its farthest vertex at distance 1."""
    used = mesh.vertices[:, mesh.faces.unique()]
    middle = used.amax(1, keepdim=True) / 2 + used.amin(1, keepdim=True) / 2
    width = (used - middle).abs().amax((1, 2))[:, None, None].clamp_min(1e-30)      # squares of 1e20 are infinite
    radius = width * ((used - middle) / width).norm(dim=2).amax(1)[:, None, None].clamp_min(1e-30)
    return mesh.but(vertices=(mesh.vertices - middle) / radius, origin=(0.0, 0.0, 0.0))


def views(mesh: Mesh, look: Look, azimuths: Sequence[float], elevation: float,
          layers: Sequence[str] = ("colour",)) -> Iterator[list[np.ndarray]]:
    """Yield for every azimuth (radians) the layers as pictures of bytes, (H, W, 3), or (H, W, 4) with transparency.

    mesh: a batch of 1.

    Colours without a background are transparent. Depth is white where nearest, over the unit ball. Normals are those of
    the world, from -1 to 1.
    """
    at_once, shown = max(1, PIXELS // (look.size[0] * look.size[1])), False
    for first in range(0, len(azimuths), at_once):
        some = torch.tensor(list(azimuths[first:first + at_once]), dtype=mesh.vertices.dtype)
        out = seen(mesh, look, some, elevation)
        shown = shown or bool(out.alpha.any())
        drawn = [_picture(out, layer, look) for layer in layers]
        yield from ([_bytes(d[i]) for d in drawn] for i in range(len(some)))
    if not shown:
        warnings.warn("nothing of the mesh is in the picture: it is beside it, too near, too far, or seen from inside",
                      stacklevel=2)


def seen(mesh: Mesh, look: Look, azimuth: Tensor, elevation: float) -> Rendering:
    """Draw the mesh for cameras at these azimuths (B,)."""
    height, width = look.size
    up = torch.full_like(azimuth, elevation)
    projection = perspective(look.field_of_view, aspect=width / height, near=look.away / 100, far=look.away * 100)
    camera = Camera(orbiting(azimuth, up, look.away), projection.to(azimuth))
    light = None
    if look.lamp is not None:
        a, e = (azimuth + look.lamp[0]), (up + look.lamp[1])
        towards = torch.stack([a.sin() * e.cos(), e.sin(), a.cos() * e.cos()], 1)
        light = DirectionalLight(towards, azimuth.new_full((1, 3), 1 - look.ambient),
                                 azimuth.new_full((1, 3), look.ambient))
    if mesh.colours is not None and mesh.colours.shape[2] == 1:
        mesh = mesh.but(colours=mesh.colours.expand(-1, -1, 3))
    with torch.no_grad():
        return draw(mesh, camera, look.size, light=light, background=look.background, flat=look.flat, both_sides=True,
                    cull=look.cull, mipmaps=look.mipmaps, backend=look.backend)


def _picture(out: Rendering, layer: str, look: Look) -> Tensor:
    """Return a layer as images (B, 3 or 4, H, W) in [0, 1]."""
    covered = (out.ids >= 0)[:, None]
    if layer == "depth":
        assert out.depth is not None
        near = 1 - (out.depth - look.away + 1) / 2
        return torch.where(covered, 0.15 + 0.85 * near.clamp(0, 1), 0.0).expand(-1, 3, -1, -1)
    if layer == "normals":
        assert out.normals is not None
        return out.normals / 2 + 0.5
    if layer == "alpha":
        return out.alpha.expand(-1, 3, -1, -1)
    if look.background is None:                    # drawn over black: colour times alpha
        return torch.cat([(out.colour / out.alpha.clamp_min(1e-6)).clamp(0, 1), out.alpha], 1)
    return out.colour


def _bytes(image: Tensor) -> np.ndarray:
    return (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()


def sheet(rows: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Arrange rows of pictures of one size as one picture; a single picture stays as it is.

    The result is transparent if one of them is.
    """
    if len(rows) == 1 and len(rows[0]) == 1:
        return rows[0][0]
    height, width = rows[0][0].shape[:2]
    channels = max(p.shape[2] for row in rows for p in row)
    columns = max(map(len, rows))
    page = np.full((len(rows) * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels), 255, np.uint8)
    page[..., 3:] = 0
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            y, x = GAP + i * (height + GAP), GAP + j * (width + GAP)
            page[y:y + height, x:x + width, 3:] = 255
            page[y:y + height, x:x + width, :picture.shape[2]] = picture
    return page


def surroundings(picture: np.ndarray, span: float = 2 * math.pi) -> Panorama:
    """Return a picture (3, h, w) of bytes as a panorama.  span: its angle from left to right, in radians."""
    return Panorama(torch.from_numpy(picture.astype(np.float32))[None] / 255, span)
