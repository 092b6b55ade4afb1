"""Drawing heads as layers (albedo, normals, mask, landmarks), and lighting the layers."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor
from torch.nn import functional

from unbraid_plugins.opengl.faces.model import DISTANCE, MorphableModel, camera, posed
from unbraid_plugins.opengl.raster.rasterize import Backend
from unbraid_plugins.opengl.scene.light import Light
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.shading.draw import draw

FINER = 2                                          # pixels are means of so many by so many
HIDDEN = 0.02                                      # a landmark this far behind what is seen there is hidden


@attrs.frozen(eq=False)
class Layers:
    """Layers of B heads, at FINER times the size of the images.

    albedo: (B, 3, H, W) in [0, 1], 0 where there is no head.
    normals: (B, 3, H, W), unit vectors in the camera's coordinates (x right, y up, z towards it), 0 elsewhere.
    mask: (B, 1, H, W), 0 or 1.
    landmarks: (B, L, 2), the place in the image, x to the right and y down, the image is [0, 1] wide and high.
    visible: (B, L), whether nothing hides the landmark, and it lies in the image.
    """

    albedo: Tensor
    normals: Tensor
    mask: Tensor
    landmarks: Tensor
    visible: Tensor


@torch.no_grad()
def layers(model: MorphableModel, coefficients: Tensor, view: Tensor, colours: Tensor, size: int, zoom: float,
           backend: Backend = "auto") -> Layers:
    """Draw heads as layers.

    coefficients: (B, I + E).
    view: (B, 2), yaw and pitch in radians.
    colours: (B or 1, V, 3).
    size: of the images.
    zoom: how much larger than whole heads they show.
    """
    vertices = posed(model.shape(coefficients), view)
    mesh, seen_by = Mesh(vertices, model.topology, colours.expand(len(vertices), -1, -1)), camera(zoom)
    seen = draw(mesh, seen_by, (FINER * size, FINER * size), smooth=False, both_sides=True, backend=backend)
    assert seen.normals is not None
    assert seen.depth is not None
    landmarks, visible = marked(mesh, model.landmarks, seen.depth, zoom)
    return Layers(seen.colour, seen.normals, (seen.ids[:, None] >= 0).to(vertices), landmarks, visible)


def marked(mesh: Mesh, marks: Tensor, depth: Tensor, zoom: float) -> tuple[Tensor, Tensor]:
    """Return the places of vertices in the image, (B, L, 2), and whether they are seen, (B, L).

    depth: (B, 1, H, W) of the drawn heads, 0 where nothing is seen.
    """
    seen_by, points = camera(zoom), mesh.vertices[:, marks]
    towards = points.new_tensor([0.0, 0.0, DISTANCE]) - points
    clip = seen_by.projected(points)
    place = clip[..., :2] / clip[..., 3:]
    place = 0.5 + 0.5 * place * place.new_tensor([1.0, -1.0])
    away, facing = -seen_by.seen(points)[..., 2], (mesh.normals()[:, marks] * towards).sum(-1)
    height, width = depth.shape[2:]
    inside = ((place >= 0) & (place < 1)).all(-1)
    column, row = ((place[..., i] * n).long().clamp(0, n - 1) for i, n in ((0, width), (1, height)))
    around = functional.max_pool2d(depth, 3, 1, 1)[:, 0]                # of neighbours, where the vertex is at a border
    there = around[torch.arange(len(points))[:, None], row, column]
    return place, inside & (facing > 0) & (there > 0) & (away <= there + HIDDEN)


def shaded(seen: Layers, light: Light, background: Tensor) -> Tensor:
    """Return images (B, 3, H, W) in [0, 1] of layers under a light:  mask * albedo * shading + (1 - mask) * background.

    light: of one sample, or one for each; background: (B or 1, 3, h, w) of the images' own size.

    It is computed at the layers' size, and then averaged.
    """
    batch, _, height, width = seen.normals.shape
    sample = torch.arange(batch).repeat_interleave(height * width)
    normals = seen.normals.permute(0, 2, 3, 1).reshape(-1, 3)
    white = light.with_channels(3).shading(normals, sample).reshape(batch, height, width, 3).permute(0, 3, 1, 2)
    lit = smaller(seen.mask * (seen.albedo * white).clamp(0, 1))
    return lit + (1 - smaller(seen.mask)) * background


def smaller(layer: Tensor) -> Tensor:
    """Return the means of FINER by FINER pixels.  (B, C, FINER H, FINER W) -> (B, C, H, W)."""
    return functional.avg_pool2d(layer, FINER)


def bytes_of(layer: Tensor) -> Tensor:
    """Return uint8 of numbers in [0, 1]."""
    return (layer.clamp(0, 1) * 255).round().byte()


def pictures(seen: Layers) -> dict[str, Tensor]:
    """Return albedo, normals (mapped from [-1, 1]) and mask as uint8 pictures of the images' size.

    Where a pixel is covered in part, albedo and normals are those of the covered part; elsewhere they are 0 and (0, 0,
    0), that is 128 of 255.
    """
    share = smaller(seen.mask)
    albedo = smaller(seen.albedo) / share.clamp_min(1e-6) * (share > 0)
    normals = functional.normalize(smaller(seen.normals), dim=1)
    return {"albedo": bytes_of(albedo), "normals": bytes_of(0.5 * (normals + 1)), "mask": bytes_of(share)}
