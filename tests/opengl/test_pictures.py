"""A picture that is drawn at once shows what the one by parts does, of which depth and normals are wanted, too."""

from __future__ import annotations

import pytest
import torch
from solids import bumpy

from unbraid.values import map_tensors, tensors
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.light import DirectionalLight, HarmonicLight
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.shading.draw import draw
from unbraid_plugins.opengl.shading.silhouettes import Sides

SURFACES = ["plain", "coloured", "textured", "coloured, textured", "textures"]
LIGHTS = ["", "harmonic", "lamp"]


def scene(surface, light):
    """Two images of a ball with bumps, and a light that is too strong in places; background last."""
    dice = torch.Generator().manual_seed(1)

    def rand(*shape):
        return torch.rand(*shape, generator=dice)

    vertices, faces = bumpy(3)
    v = vertices.float()[None] * torch.tensor([1, 0.8])[:, None, None]
    colours = 0.5 + 0.4 * torch.sin(3 * v[:1] + rand(1, 1, 3)) if "coloured" in surface else None
    texture = torch.nn.functional.interpolate(rand(2 if surface == "textures" else 1, 3, 4, 4), size=32, mode="bilinear"
                                              ) if "texture" in surface else None
    mesh = Mesh.of(v, faces, colours=colours, texture=texture, uv=v[:1, :, :2] / 4 + 0.5)
    lights = {"harmonic": HarmonicLight.even(torch.tensor([[0.6, 0.8, 0.9]])), "": None,
              "lamp": DirectionalLight(torch.tensor([[1.0, 2, 3]]), rand(2, 3) + 0.8, rand(1, 3) * 0.4)}
    return mesh, lights[light], rand(2, 3)


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("behind", [False, True])
def test_at_once_and_by_parts(surface, light, behind, backend):
    camera = Camera(orbiting(torch.tensor([0.2, 2.0]), torch.tensor([0.3, -0.2]), 4.0), perspective(0.7))
    weights = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(2))
    found = []
    for geometry, by in ((False, backend), (True, "torch")):
        mesh, lamp, background = map_tensors(lambda t: t.clone().requires_grad_(), scene(surface, light))
        out = draw(mesh, camera, (48, 48), light=lamp, background=background if behind else None, cull=True,
                   geometry=geometry, backend=by)
        assert (out.depth is not None) == geometry
        (out.colour * weights).sum().backward()
        leaves = [*tensors(mesh), *tensors(lamp), *([background] if behind else [])]
        found.append((out.colour.detach(), out.alpha.detach(), [t.grad for t in leaves]))
    (colour, alpha, slopes), (colours, alphas, expected) = found
    assert 0.2 < alpha.mean() < 0.8
    assert colour.min() >= 0
    assert colour.max() <= 1
    for a, b in ((colour, colours), (alpha, alphas)):
        assert (a - b).abs().mean() < 1e-4
        assert ((a - b).abs() > 1e-2).float().mean() < 1e-3
    for a, b in zip(slopes, expected, strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            assert (a - b).norm() < 0.02 * b.norm() + 1e-5


@pytest.mark.parametrize(("near", "last"), [(4.0, 0.0), (4.0, torch.nan), (0.7, 0.0)])
def test_opengl_sees_the_same_without_the_faces_that_are_turned_away(near, last, monkeypatch):
    """With slivers and points; with a vertex that is nowhere, and with a camera within the ball, all are given."""
    mesh, _, _ = scene("textured", "")
    odd = torch.tensor([[0, 1, 1], [2, 2, 2], [3, 40, 80], [7, 9, 640], [1, 5, 642]])
    faces = torch.cat([mesh.topology.faces, odd])
    v = torch.cat([mesh.vertices, torch.full((2, 1, 3), last)], 1)
    v[:, 640] = v[:, 7].lerp(v[:, 9], 0.5) + 1e-6
    camera = Camera(orbiting(torch.tensor([0.2, 2.0]), torch.tensor([0.3, -0.2]), near), perspective(0.7))

    def drawn():
        whole = Mesh.of(v, faces, texture=mesh.texture, uv=v[:1, :, :2].nan_to_num() / 4 + 0.5)
        return draw(whole, camera, (48, 48), cull=True, geometry=False, backend="gl")

    given, front = [], Sides.front
    monkeypatch.setattr(Sides, "front", lambda self, *size: given.append(front(self, *size)) or given[-1])
    less = drawn()
    monkeypatch.setattr(Sides, "front", lambda self, *size: None)
    assert torch.equal(drawn().ids, less.ids)
    assert torch.equal(drawn().colour, less.colour)
    if near == 4.0 and last == 0:
        assert 0.3 < given[0].float().mean() < 0.7
    else:
        assert given == [None]


@pytest.mark.parametrize("smooth", [False, True])
def test_gradients_that_lie_in_memory_in_another_order(smooth, backend):
    """They are read as they are, and nobody writes into them."""
    camera = Camera(orbiting(torch.tensor([0.2, 2.0]), torch.tensor([0.3, -0.2]), 4.0), perspective(0.7))
    slope, found = torch.rand(2, 3, 20, 20, generator=torch.Generator().manual_seed(3)), []
    for order in (torch.contiguous_format, torch.channels_last):
        mesh, _, _ = map_tensors(lambda t: t.clone().requires_grad_(), scene("textured", ""))
        own = slope.clone(memory_format=order)
        draw(mesh, camera, (20, 20), smooth=smooth, geometry=False, backend=backend).colour.backward(own)
        assert torch.equal(own, slope)
        found.append(mesh.vertices.grad)
    assert found[0].any()
    torch.testing.assert_close(*found)
