"""Textured boxes seen from all around, drawn by the renderer: a category whose viewpoints are known."""

from __future__ import annotations

import math

import attrs
import numpy as np
import torch
from attrs.validators import ge, gt, le, lt
from torch import Tensor

from unbraid import Field, Images, source
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.shading.draw import draw

CORNERS = np.array([[x, y, z] for z in (1, -1) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))], np.float32)
FACES = ((0, 1, 2, 3), (1, 4 + 1, 4 + 2, 2), (4 + 1, 4, 4 + 3, 4 + 2), (4, 0, 3, 4 + 3),      # front, right, back, left
         (3, 2, 4 + 2, 4 + 3), (4, 4 + 1, 1, 0))                                              # top, bottom
TILE = 32                                          # texels along the edge of a face
WOBBLE = 0.06                                      # how much patterns differ between boxes
AT_ONCE = 64


@source
@attrs.frozen(kw_only=True)
class TexturedBoxes:
    """Boxes of one category, each seen once: every face has another pattern, so no two sides look alike.

    Boxes differ in size, in two colours, and a little in their patterns. Field: azimuth, the camera's, in radians. The
    renderer draws them without OpenGL, so that they are the same everywhere.

    count: number of boxes.
    size: side of the images in pixels.
    elevation, field_of_view: of the camera, in degrees.
    seed: of the boxes and their azimuths, which are uniform on the circle.
    """

    count: int = attrs.field(default=300, validator=ge(1))
    size: int = attrs.field(default=48, validator=[ge(8), le(512)])
    elevation: float = attrs.field(default=25.0, validator=[gt(-90), lt(90)])
    field_of_view: float = attrs.field(default=40.0, validator=[gt(0), lt(180)])
    seed: int = attrs.field(default=0, validator=ge(0))

    def open(self) -> Images:
        """Draw the boxes; return them and their azimuths."""
        free = np.random.default_rng(self.seed)
        azimuths = free.uniform(-math.pi, math.pi, self.count).astype(np.float32)
        halves = free.uniform((0.55, 0.5, 0.55), (0.7, 0.65, 0.7), (self.count, 3)).astype(np.float32)
        textures = np.stack([_texture(free) for _ in range(self.count)])
        drawn = [self._drawn(*(torch.from_numpy(a[i:i + AT_ONCE]) for a in (azimuths, halves, textures)))
                 for i in range(0, self.count, AT_ONCE)]
        return Images(torch.cat(drawn).numpy(), {"azimuth": Field(azimuths)})

    def _drawn(self, azimuths: Tensor, halves: Tensor, textures: Tensor) -> Tensor:
        """Return images (B, 3, size, size) uint8."""
        faces = torch.tensor([[4 * f + i for i in corners] for f in range(6) for corners in ((0, 1, 2), (0, 2, 3))])
        vertices = torch.from_numpy(CORNERS[np.asarray(FACES).reshape(-1)]) * halves[:, None]
        mesh = Mesh.of(vertices, faces, uv=_places(), texture=textures)
        view = orbiting(azimuths, torch.full_like(azimuths, math.radians(self.elevation)), 3.2)
        lens = perspective(math.radians(self.field_of_view)).to(view)
        white = torch.ones(1, 3, dtype=torch.float32)
        seen = draw(mesh, Camera(view, lens), (self.size, self.size), background=white, cull=True, geometry=False,
                    mipmaps=True, backend="torch").colour
        return (seen.clamp(0, 1) * 255).round().to(torch.uint8)


def _texture(free: np.random.Generator) -> np.ndarray:
    """Return a box's texture, (3, 2 TILE, 3 TILE): light patterns on dark faces, three faces in a row."""
    dark, light = free.uniform(0, 0.45, 3), free.uniform(0.55, 1, 3)
    along = (np.arange(TILE) + 0.5) / TILE * 2 - 1
    rows = np.empty((2, 3, 3, TILE, TILE), np.float32)
    for face in range(6):
        scale, turn, right, up = (1, 0, 0, 0) + WOBBLE * free.normal(size=4)
        u, v = np.meshgrid(along, -along)
        u, v = (scale * (math.cos(turn) * u - math.sin(turn) * v) + right,
                scale * (math.sin(turn) * u + math.cos(turn) * v) + up)
        rows[1 - face // 3, face % 3] = np.where(_pattern(face, u, v), light[:, None, None], dark[:, None, None])
    return rows.transpose(2, 0, 3, 1, 4).reshape(3, 2 * TILE, 3 * TILE)


def _pattern(face: int, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return where a face is light: a cross, bars, a ring, diagonals, a square, or half of it."""
    match face:
        case 0:
            return (np.abs(u) < 0.16) | (np.abs(v) < 0.16)
        case 1:
            return np.sin(6.5 * u) > 0
        case 2:
            return np.abs(np.hypot(u, v) - 0.575) < 0.175
        case 3:
            return np.sin(6.5 * (u + v)) > 0
        case 4:
            return np.maximum(np.abs(u), np.abs(v)) < 0.5
        case _:
            return u > 0


def _places() -> Tensor:
    """Return the texture coordinates of the faces' corners, (1, 24, 2), half a texel inside of their tiles."""
    inside = 0.5 / TILE
    square = [(inside, inside), (1 - inside, inside), (1 - inside, 1 - inside), (inside, 1 - inside)]
    return torch.tensor([[((f % 3 + u) / 3, (f // 3 + v) / 2) for f in range(6) for u, v in square]],
                        dtype=torch.float32)
