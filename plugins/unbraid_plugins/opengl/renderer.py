"""The mesh renderer of recipes."""

from __future__ import annotations

import math
from typing import Any, Literal

import attrs
from attrs.validators import and_, gt, in_, le, optional
from torch import Tensor, nn

from unbraid import Context, UnbraidError, renderer
from unbraid_plugins.opengl.numerics.precision import precise
from unbraid_plugins.opengl.raster.rasterize import Backend
from unbraid_plugins.opengl.scene.background import Background, Panorama
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.light import DirectionalLight, HarmonicLight, Light
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.shading.draw import Rendering, draw


@renderer
@attrs.frozen(kw_only=True)
class MeshRenderer:
    """A renderer of triangle meshes with smooth outlines, by OpenGL or torch, with gradients to the whole scene.

    A mesh, a view, and then a light and a background if wanted, in any order -> images (B, C, H, W) in [0, 1].

    The view is a Camera, or angles (B, 2) or (B, 3): azimuth, elevation and roll in radians of a camera that circles
    the origin at `distance`. Its angle from bottom to top is `field_of_view` degrees. The background is black, a colour
    (B, C), images (B, C, H, W), or a Panorama, which moves as the camera turns.

    gives: colour, the images; or layers, a record with colour, alpha, depth, normals and ids.
    cull: leave out faces seen from inside, which closed surfaces hide anyway; this is faster.
    smooth: smooth outlines; without it pixels are crisp and outlines have no gradient.
    flat: shade every face by its own normal.
    both_sides: shade faces seen from inside by that side's normal.
    mipmaps: average textures that are finer than the image.
    panorama: the degrees that background images (B, C, h, w) of any size span, which makes them a Panorama.
    backend: gl, torch, or auto, which is OpenGL where it is available.
    """

    gives: Literal["colour", "layers"] = attrs.field(default="colour", validator=in_(("colour", "layers")))
    cull: bool = False
    smooth: bool = True
    flat: bool = False
    both_sides: bool = False
    mipmaps: bool = False
    distance: float = attrs.field(default=4.0, validator=gt(0))
    field_of_view: float = attrs.field(default=30.0, validator=gt(0))
    panorama: float | None = attrs.field(default=None, validator=optional(and_(gt(0), le(360))))
    backend: Backend = attrs.field(default="auto", validator=in_(("auto", "gl", "torch")))

    def build(self, context: Context, *inputs: Any) -> nn.Module:
        """Return a module without weights, for images of the context's size."""
        return MeshRendering(self, context.image)


class MeshRendering(nn.Module):
    """A module that draws a scene by the component's options."""

    def __init__(self, options: MeshRenderer, image: tuple[int, int, int]) -> None:
        super().__init__()
        self.options = options
        self.image = image

    def forward(self, mesh: Mesh, view: Camera | Tensor, *rest: Any) -> Tensor | Rendering:
        """Render a mesh, a camera or angles, a light and a background -> images, or layers.  Raises UnbraidError."""
        if not isinstance(mesh, Mesh):
            raise UnbraidError(f"mesh_renderer got a {type(mesh).__name__} of which to make an image",
                               hint="its first argument is a mesh: unbraid_plugins.opengl.scene.mesh.Mesh")
        lights = [v for v in rest if isinstance(v, HarmonicLight | DirectionalLight)]
        backgrounds = [v for v in rest if isinstance(v, Tensor | Panorama)]
        if len(lights) > 1 or len(backgrounds) > 1 or len(lights) + len(backgrounds) < len(rest):
            found = ", ".join(type(v).__name__ for v in rest)
            raise UnbraidError(f"mesh_renderer got, after the mesh and the view, {found}",
                               hint="there may be one light and one background, a tensor or a Panorama")
        out = self.drawn(mesh, self._camera(view), lights[0] if lights else None,
                         self._behind(backgrounds[0]) if backgrounds else None)
        if out.colour.shape[1] != self.image[0]:
            raise UnbraidError(f"the mesh has {out.colour.shape[1]} colours, the images {self.image[0]}",
                               hint="give its colours or texture as many channels as the images have")
        return out if self.options.gives == "layers" else out.colour

    def drawn(self, mesh: Mesh, camera: Camera, light: Light | None, background: Background | None) -> Rendering:
        """Render the scene as the camera sees it."""
        o = self.options
        return draw(mesh, camera, self.image[1:], light=light, background=background, cull=o.cull, smooth=o.smooth,
                    flat=o.flat, both_sides=o.both_sides, geometry=o.gives == "layers", backend=o.backend,
                    mipmaps=o.mipmaps)

    def _behind(self, background: Tensor | Panorama) -> Tensor | Panorama:
        span = self.options.panorama
        if span is None or not isinstance(background, Tensor) or background.ndim != 4:
            return background
        return Panorama(background, math.radians(span))

    @precise
    def _camera(self, view: Camera | Tensor) -> Camera:
        if isinstance(view, Camera):
            return view
        if not isinstance(view, Tensor) or view.ndim != 2 or view.shape[1] not in (2, 3):
            raise UnbraidError("mesh_renderer got as its view "
                               + (f"a tensor {tuple(view.shape)}" if isinstance(view, Tensor) else type(view).__name__),
                               hint="expected a Camera, or angles (B, 2) or (B, 3): azimuth, elevation, roll")
        angles = view.unbind(1)
        _, height, width = self.image
        far = self.options.distance
        projection = perspective(math.radians(self.options.field_of_view), aspect=width / height, near=far / 40,
                                 far=far * 10)
        return Camera(orbiting(angles[0], angles[1], far, *angles[2:]), projection.to(view))
