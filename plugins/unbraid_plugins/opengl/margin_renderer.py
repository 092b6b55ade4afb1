"""The renderer of Szabó & Favaro (2018, 2019): a crisp layer, and over it a margin in which faces fade out."""

from __future__ import annotations

from typing import Any

import attrs
import torch
from attrs.validators import gt
from torch import nn

from unbraid import Context, renderer
from unbraid_plugins.opengl.numerics.precision import precise, uncompiled
from unbraid_plugins.opengl.raster.rasterize import Backend, rasterize
from unbraid_plugins.opengl.renderer import MeshRenderer, MeshRendering
from unbraid_plugins.opengl.scene.background import Background, filled
from unbraid_plugins.opengl.scene.camera import Camera
from unbraid_plugins.opengl.scene.light import Light
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.shading.draw import Rendering, channels_of, images_of, shapes
from unbraid_plugins.opengl.shading.expectations import expect_numbers, expect_scene
from unbraid_plugins.opengl.shading.fragments import fragments
from unbraid_plugins.opengl.shading.margins import margin
from unbraid_plugins.opengl.shading.surface import facing, surface


@uncompiled                                        # the number of covered pixels is known only when drawn
@precise
def draw_with_margin(mesh: Mesh, camera: Camera, size: tuple[int, int], *, width: float = 1.0,
                     light: Light | None = None, background: Background | None = None, cull: bool = False,
                     geometry: bool = True, backend: Backend = "auto", flat: bool = False, both_sides: bool = False,
                     ) -> Rendering:
    """Render like `draw`, with margins of some pixels in the place of antialiased outlines.

    Where a margin is in front, colour = a c + (1 - a) crisp, and likewise the alpha. Gradients of outlines are those of
    a. They are exact for this image, in which surfaces are up to half a width larger on every side than in the scene.
    All materials are opaque here.
    """
    size = expect_scene(mesh, camera, light, background, size)
    batch = images_of(mesh, camera, light, background)
    vertices = mesh.vertices.expand(batch, -1, -1)
    mesh, topology = mesh.but(vertices=vertices), mesh.topology.to(vertices.device)
    camera, channels = Camera(camera.view.to(vertices), camera.projection.to(vertices)), channels_of(mesh)
    light = None if light is None else light.with_channels(channels)
    if vertices.is_meta:
        return shapes(vertices, channels, size, geometry)
    topology.expect(vertices.shape[1], None if mesh.texture is None or mesh.uv is None else mesh.uv.shape[1])
    expect_numbers(mesh, camera, light)
    clip, away = camera.projected(vertices), -camera.seen(vertices)[..., 2]
    crisp = fragments(rasterize(clip, topology.faces, size, cull=cull, backend=backend), clip, topology.faces)
    fading = margin(crisp, clip, away, topology, width, cull=cull)
    units = [facing(mesh, f, clip, flat=flat, both_sides=both_sides) if light is not None or geometry else None
             for f in (crisp, fading.front)]
    colours = [surface(mesh, f, light, channels, unit)[:, :channels].clamp(0, 1)
               for f, unit in zip((crisp, fading.front), units, strict=True)]
    behind = filled(background, batch, channels, size, vertices, camera).permute(0, 2, 3, 1).reshape(-1, channels)
    covered = crisp.rows(vertices.new_ones(len(crisp.pixel), 1))
    layers = torch.cat([crisp.rows(colours[0]) + (1 - covered) * behind, covered], 1)
    over = torch.cat([colours[1], torch.ones_like(colours[1][:, :1])], 1)
    layers = layers.index_add(0, fading.pixel, fading.alpha[:, None] * (over - layers[fading.pixel]))
    image = layers.reshape(batch, *size, channels + 1).permute(0, 3, 1, 2)
    depth = crisp.image(crisp.interpolated(away[..., None], topology.faces)) if geometry else None
    normals = crisp.image(units[0]) if geometry and units[0] is not None else None
    return Rendering(image[:, :-1], image[:, -1:], depth, normals, crisp.ids)


@renderer
@attrs.frozen(kw_only=True)
class Margin(MeshRenderer):
    """A renderer of triangle meshes whose faces fade out in a margin around them, as in Szabó & Favaro (2018).

    Its image is a crisp layer below the layer of margins. Inputs, options and results are those of mesh_renderer.

    width: of the margin in pixels.

    Surfaces look half a width larger on every side. Every face has a margin, so fine meshes cost more. `smooth` and
    `mipmaps` have no effect.
    """

    width: float = attrs.field(default=1.0, validator=gt(0))

    def build(self, context: Context, *inputs: Any) -> nn.Module:
        """Return a module without weights, for images of the context's size."""
        return MarginRendering(self, context.image)


class MarginRendering(MeshRendering):
    """A module that draws a scene with margins."""

    options: Margin

    def drawn(self, mesh: Mesh, camera: Camera, light: Light | None, background: Background | None) -> Rendering:
        """Render the scene as the camera sees it."""
        o = self.options
        return draw_with_margin(mesh, camera, self.image[1:], width=o.width, light=light, background=background,
                                cull=o.cull, flat=o.flat, both_sides=o.both_sides, geometry=o.gives == "layers",
                                backend=o.backend)
