"""Differentiable rendering, from a scene to images."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from unbraid import UnbraidError, value
from unbraid.values import tensors
from unbraid_plugins.opengl.numerics.precision import precise, uncompiled
from unbraid_plugins.opengl.raster.gl_surface import paintable
from unbraid_plugins.opengl.raster.rasterize import Backend, chosen, rasterize
from unbraid_plugins.opengl.scene.background import Background, filled
from unbraid_plugins.opengl.scene.camera import Camera
from unbraid_plugins.opengl.scene.light import Light
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.topology import Topology
from unbraid_plugins.opengl.shading.antialias import antialiased
from unbraid_plugins.opengl.shading.expectations import expect_numbers, expect_scene, tell_what_is_cut_off
from unbraid_plugins.opengl.shading.fragments import Fragments, fragments, tips_of
from unbraid_plugins.opengl.shading.see_through import composed, layers
from unbraid_plugins.opengl.shading.silhouettes import Crossings, crossings, sides_of
from unbraid_plugins.opengl.shading.surface import facing, painted, shaded, surface


@value
class Rendering:
    """The images and layers that a camera sees.

    colour: (B, C, H, W) in [0, 1], over the background.
    alpha: (B, 1, H, W) in [0, 1], the share of a pixel that is covered.
    depth: (B, 1, H, W), the distance in front of the camera along its axis, 0 where nothing is seen.
    normals: (B, 3, H, W), unit vectors in world coordinates, 0 where nothing is seen.
    ids: (B, H, W) int64, the faces, -1 where nothing is seen.

    Depth, normals and ids are those of pixel centres; colour and alpha have smooth outlines. Of transparent surfaces
    those count that are half opaque, or that their mask shows, and outlines are crisp. Depth and normals are None where
    they were not asked for.
    """

    colour: Tensor
    alpha: Tensor
    depth: Tensor | None
    normals: Tensor | None
    ids: Tensor


@uncompiled                                        # the number of covered pixels is known only when drawn
@precise
def draw(mesh: Mesh, camera: Camera, size: tuple[int, int], *, light: Light | None = None,
         background: Background | None = None, cull: bool = False, smooth: bool = True, flat: bool = False,
         both_sides: bool = False, geometry: bool = True, backend: Backend = "auto", mipmaps: bool = False,
         ) -> Rendering:
    """Render a batch of meshes; gradients reach vertices, colours, texture, camera, light and background.

    light: None shows the albedo.
    background: (B or 1, C) or (B or 1, C, H, W), or a Panorama; None is black.
    cull: draw faces only as seen from outside, for closed surfaces faster by far.
    smooth: antialias outlines; without it no gradient of the outline reaches the vertices.
    flat: give a face one normal in place of those of its corners.
    both_sides: give a face that is seen from inside the normal of that side.
    geometry: return depth and normals, too.
    backend: see `rasterize`.
    mipmaps: average textures where they are finer than the image.

    A batch of 1 among others is repeated. Code that `torch.compile` compiles calls it uncompiled. It computes in
    float32 under autocast and for half precision, too; gradients have the types of their tensors.

    Raises UnbraidError for sizes that do not fit, for faces with vertices that do not exist, and for numbers that would
    give a blank picture: colours from 0 to 255, a camera that is not finite.
    """
    size = expect_scene(mesh, camera, light, background, size)
    batch = images_of(mesh, camera, light, background)
    vertices = mesh.vertices.expand(batch, -1, -1)
    topology = mesh.topology.to(vertices.device)
    camera = Camera(camera.view.to(vertices), camera.projection.to(vertices))
    channels = channels_of(mesh)
    light = None if light is None else light.with_channels(channels)
    if vertices.is_meta:
        return shapes(vertices, channels, size, geometry)
    topology.expect(vertices.shape[1], None if mesh.texture is None or mesh.uv is None else mesh.uv.shape[1])
    expect_numbers(mesh, camera, light)
    clip = camera.projected(vertices)
    tell_what_is_cut_off(clip)
    plain = (light is None or not (flat or both_sides)) and not mipmaps
    if not geometry and plain and topology.clear is None:
        return _at_once(mesh, clip, light, filled(background, batch, channels, size, vertices, camera)
                        if background is not None else None, channels, size, cull=cull, smooth=smooth, backend=backend)
    front, outline = _opaque(clip, topology, size, cull=cull, smooth=smooth, backend=backend)
    lit = light is not None or geometry
    unit = facing(mesh, front, clip, flat=flat, both_sides=both_sides) if lit else None
    steps = front.to_the_next(clip, topology.faces) if mipmaps else None
    colour = surface(mesh, front, light, channels, unit, steps)[:, :channels].clamp(0, 1)
    normals = None if unit is None or not geometry else front.image(unit)
    away = -camera.seen(vertices)[..., 2:]
    depth = front.image(front.interpolated(away, topology.faces)) if geometry else None
    image, covered = front.image(colour), front.ids[:, None] >= 0
    if background is not None:
        image = image.where(covered, filled(background, batch, channels, size, vertices, camera))
    alpha = covered.to(image.dtype)
    if outline is not None:
        image, alpha = antialiased(image, alpha, outline, colour[len(front.pixel):])
    whole = Rendering(image, alpha, depth, normals, front.ids)
    if topology.clear is None:
        return whole
    veil = layers(clip, topology, front.ids, cull=cull)
    unit = facing(mesh, veil, clip, flat=flat, both_sides=both_sides) if lit else None
    steps = veil.to_the_next(clip, topology.faces) if mipmaps else None
    return _seen_through(whole, topology, veil, surface(mesh, veil, light, channels, unit, steps).clamp(0, 1), unit,
                         veil.interpolated(away, topology.faces))


def _opaque(clip: Tensor, topology: Topology, size: tuple[int, int], *, cull: bool, smooth: bool, backend: Backend,
            ) -> tuple[Fragments, Crossings | None]:
    """Find the opaque faces, and their outlines where they are smooth."""
    solid, number = topology.opaque
    ids = rasterize(clip, solid.faces, size, cull=cull, backend=backend)
    outline = crossings(ids, clip, solid, cull=cull) if smooth and len(solid.faces) else None
    if solid is not topology and len(number):
        ids = torch.where(ids < 0, ids, number[ids.clamp_min(0)])
        outline = None if outline is None else attrs.evolve(outline, face=number[outline.face])
    front = fragments(ids, clip, topology.faces)
    if outline is not None:
        front = front.with_tips(outline.sample, outline.face, outline.barycentrics)
    return front, outline


def _seen_through(whole: Rendering, topology: Topology, veil: Fragments, colour: Tensor, unit: Tensor | None,
                  away: Tensor) -> Rendering:
    """Lay transparent layers over the opaque scene; the nearest solid ones give depth, normals and ids.

    veil, colour: as `composed` takes them.
    unit, away: normals and depths of the layers, (N, 3) and (N, 1).
    """
    values = {"depth": away, "normals": unit}
    image, alpha, top, nearest = composed(whole.colour, whole.alpha, veil, colour, topology)
    ids = whole.ids.flatten().index_copy(0, top.pixel, top.face).reshape(whole.ids.shape)
    found = {}
    for name, layer in values.items():
        below = getattr(whole, name)
        if below is None or layer is None:
            found[name] = below
            continue
        rows = below.permute(0, 2, 3, 1).reshape(-1, below.shape[1]).index_copy(0, top.pixel, layer[nearest])
        found[name] = rows.reshape(*below.shape[:1], *below.shape[2:], -1).permute(0, 3, 1, 2)
    return Rendering(image, alpha, found["depth"], found["normals"], ids)


def _at_once(mesh: Mesh, clip: Tensor, light: Light | None, behind: Tensor | None, channels: int,
             size: tuple[int, int], *, cull: bool, smooth: bool, backend: Backend) -> Rendering:
    """Render without depth and normals: OpenGL draws all where it can, else torch computes by planes over the image."""
    looks = {name: None if (t := getattr(mesh, name)) is None else t.to(clip)
             for name in ("colours", "uv", "texture", "emission")}
    mesh = mesh.but(vertices=mesh.vertices.expand(len(clip), -1, -1), topology=mesh.topology.to(clip.device), **looks)
    smooth = smooth and len(mesh.topology.faces) > 0
    sides = sides_of(clip, mesh.topology.faces) if smooth else None
    if paintable(mesh, channels) and chosen(backend, clip.device) == "gl":
        front = sides.front(*size) if cull and sides is not None else None
        image, alpha, ids = painted(mesh, clip, light, size, channels, cull=cull, front=front)
    else:
        ids = rasterize(clip, mesh.topology.faces, size, cull=cull, backend=backend)
        image, alpha = shaded(mesh, clip, ids, light, channels)
    if behind is not None:
        image = torch.addcmul(image, 1 - alpha, behind)
    if smooth:
        outline = crossings(ids, clip, mesh.topology, cull=cull, sides=sides)
        tips = surface(mesh, tips_of(outline, ids), light, channels).clamp(0, 1)
        image, alpha = antialiased(image, alpha, outline, tips)
    return Rendering(image, alpha, None, None, ids)


def channels_of(mesh: Mesh) -> int:
    """Return the number of colour channels of a mesh, 3 for one without colours and texture.  Raises UnbraidError."""
    extra = int(mesh.topology.materials is not None and mesh.topology.materials.has_opacity)
    counts = {t.shape[k] - less for t, k, less in (
        (mesh.colours, 2, extra), (mesh.texture, 1, extra), (mesh.emission, 1, 0)) if t is not None}
    if len(counts) > 1 or 0 in counts:
        raise UnbraidError("the mesh's colours, its texture and its emission have different numbers of channels",
                           hint="give all as many as the images have" + (
                               ", and colours and texture one more, the opacity" if extra else ""))
    return counts.pop() if counts else 3


def images_of(mesh: Mesh, camera: Camera, light: Light | None, background: Background | None) -> int:
    """Return the number of images of a scene: every part has that many, or 1.  Raises UnbraidError."""
    parts: dict[str, list[Tensor | None]] = {
        "vertices": [mesh.vertices], "colours": [mesh.colours], "uv": [mesh.uv], "texture": [mesh.texture],
        "emission": [mesh.emission],
        "camera": [camera.view, camera.projection], "light": list(tensors(light)),
        "background": list(tensors(background))}
    sizes = {name: len(t) for name, some in parts.items() for t in some if t is not None and len(t) != 1}
    if len(set(sizes.values())) > 1:
        raise UnbraidError("the scene's parts are of different batches: "
                           + ", ".join(f"{name} {n}" for name, n in sizes.items()),
                           hint="all the same, or 1, which is repeated")
    return next(iter(sizes.values()), 1)


def shapes(vertices: Tensor, channels: int, size: tuple[int, int], geometry: bool) -> Rendering:
    """Return a rendering of the right shapes, without values."""
    colour, alpha, depth, normals = (vertices.new_empty(len(vertices), c, *size) for c in (channels, 1, 1, 3))
    ids = vertices.new_empty((len(vertices), *size), dtype=torch.int64)
    return Rendering(colour, alpha, depth if geometry else None, normals if geometry else None, ids)
