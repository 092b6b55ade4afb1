"""A fitted face, turned to another yaw: its surface takes the colours of its image along."""

from __future__ import annotations

from typing import Any, get_args

import attrs
import numpy as np
import torch
from attrs.validators import ge, in_, le
from torch import Tensor, nn
from torch.nn import functional

from unbraid import Context, UnbraidError, renderer
from unbraid_plugins.opengl.faces.model import MorphableModel, camera, posed, read_model
from unbraid_plugins.opengl.numerics.precision import precise
from unbraid_plugins.opengl.raster.rasterize import Backend, rasterize
from unbraid_plugins.opengl.scene.background import filled
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.shading.draw import draw
from unbraid_plugins.opengl.shading.fragments import fragments

GRAZING = 0.3                                      # cosine; beyond it pixels show more of the ground than of the face
WHOLE = 0.9                                        # of the pixels around a vertex that the face covers
FINE = 256                                         # pixels; a smaller image is drawn at this size to find what is seen


@precise
def turned(model: MorphableModel, image: Tensor, coefficients: Tensor, view: Tensor, to: Tensor, *, zoom: float = 1.0,
           background: Tensor | None = None, backend: Backend = "auto") -> tuple[Tensor, Tensor]:
    """Show the face of an image from another side (Peng et al. 2017, section 4.1; after Zhu et al. 2016).

    The model's surface is laid over the image, takes its colours, turns, and is drawn. What the image does not show has
    the colours of its mirror image on the other half of the face, and where that is hidden too, those of the nearest
    vertex that has any. Light and shadow turn with the face.

    image: (B, 3, H, W) in [0, 1].
    coefficients: (B, I + E), the fitted shape.
    view: (B, 2), the fitted yaw and pitch, in radians.
    to: (B,) or (B, 1), the yaw to show, in radians; or (B, 2), yaw and pitch.
    zoom: that of the fitted camera, as of the source.
    background: (B or 1, 3) or (B or 1, 3, H, W). By default the image itself is seen beside the face.

    Returns images (B, 3, H, W) in [0, 1], and masks of the face (B, 1, H, W). There are gradients to the image.
    """
    shape = model.shape(coefficients)
    to = to.reshape(len(to), -1)
    there = torch.cat([to, view[:, 1:].to(to)], 1) if to.shape[1] == 1 else to
    height, width = image.shape[2:]
    seen_by = camera(zoom, aspect=width / height, like=shape)
    before = Mesh(posed(shape, view), model.topology)
    colours, known = colours_of(before, image, zoom, backend)
    mirror = model.mirror
    other = known[:, mirror] & ~known
    colours = torch.where(other[..., None], colours[:, mirror], colours)
    near = nearest(model.mean, known | other)
    colours = colours.gather(1, near[..., None].expand(-1, -1, colours.shape[2]))
    behind = filled(image if background is None else background, len(image), 3, (height, width), image)
    made = draw(Mesh(posed(shape, there), model.topology, colours), seen_by, (height, width), background=behind,
                geometry=False, backend=backend)
    return made.colour, made.alpha


def colours_of(mesh: Mesh, image: Tensor, zoom: float, backend: Backend = "auto") -> tuple[Tensor, Tensor]:
    """Return the colours of a mesh's vertices in an image, (B, V, 3), and whether they are seen there, (B, V).

    A vertex is seen where it belongs to a face that is seen at a finer size, not at a grazing angle, and where the
    pixels around it show the face alone: those of its outline are mixed with the ground.
    """
    batch, _, height, width = image.shape
    seen_by = camera(zoom, aspect=width / height, like=mesh.vertices)
    faces = mesh.topology.to(image.device).faces
    clip = seen_by.projected(mesh.vertices)
    place = clip[..., :2] / clip[..., 3:] * clip.new_tensor([1.0, -1.0])
    colours = functional.grid_sample(image, place[:, :, None].to(image), padding_mode="border",
                                     align_corners=False)[..., 0].mT
    scale = max(1, FINE // max(height, width))
    ids = rasterize(clip, faces, (scale * height, scale * width), backend=backend)
    front = fragments(ids, clip, faces)
    share = functional.avg_pool2d((ids[:, None] >= 0).to(image.dtype), scale)
    whole = functional.grid_sample(share, place[:, :, None].to(image), padding_mode="border", align_corners=False)
    known = torch.zeros(batch, mesh.vertices.shape[1], dtype=torch.bool, device=image.device)
    known[front.sample[:, None], faces[front.face]] = True
    inside = (place.abs() < 1).all(-1)
    return colours, known & inside & (whole[:, 0, :, 0] > WHOLE) & (mesh.normals()[..., 2] > GRAZING)


def nearest(places: Tensor, known: Tensor) -> Tensor:
    """Return the nearest known vertex for every vertex, (B, V); a known one has itself, and so have all if none is.

    places: (V, 3); known: (B, V).
    """
    from scipy.spatial import cKDTree

    points, found = places.numpy(), []
    for row in known.cpu().numpy():
        own = np.arange(len(row))
        if row.any() and not row.all():
            own[~row] = np.flatnonzero(row)[cKDTree(points[row]).query(points[~row])[1]]
        found.append(own)
    return torch.from_numpy(np.stack(found)).to(known.device)


@renderer
@attrs.frozen(kw_only=True)
class FaceTurner:
    """Renderer of the face of an image from another side, by a morphable model fitted to it (Peng et al. 2017).

    An image (B, 3, H, W), the coefficients of its face (B, I + E), its view (B, 2) in radians, and the yaw to show,
    (B,) or (B, 1), or yaw and pitch, (B, 2) -> images (B, 3, H, W) in [0, 1]. `morphable_faces` has the fields
    `coefficients` and `view`.

    path: the model's file.
    zoom: that of the fitted camera, as of the source.
    grey: whether a grey ground replaces what the image shows beside the face.
    backend: gl, torch, or auto, which is OpenGL where it is available.
    """

    path: str
    zoom: float = attrs.field(default=1.0, validator=[ge(0.5), le(4)])
    grey: bool = True
    backend: Backend = attrs.field(default="auto", validator=in_(get_args(Backend)))

    def build(self, context: Context, *inputs: Any) -> nn.Module:
        """Return a module without weights."""
        if len(inputs) != 4:
            raise UnbraidError(f"{context.name} is called with {len(inputs)} values",
                               hint=f"it takes an image, coefficients, a view and a yaw: {context.name}(x, "
                               "x.coefficients, x.view, yaw)")
        return Turning(self, read_model(self.path))


class Turning(nn.Module):
    """The module of `FaceTurner`."""

    def __init__(self, options: FaceTurner, model: MorphableModel) -> None:
        super().__init__()
        self.options, self.model = options, model

    def forward(self, image: Tensor, coefficients: Tensor, view: Tensor, to: Tensor) -> Tensor:
        """Return the turned faces, (B, 3, H, W)."""
        if image.is_meta:
            return torch.empty_like(image)
        o = self.options
        grey = image.new_full((1, 3), 0.5) if o.grey else None
        return turned(self.model, image, coefficients, view, to, zoom=o.zoom, background=grey, backend=o.backend)[0]
