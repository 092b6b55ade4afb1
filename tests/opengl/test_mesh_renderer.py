"""The renderer as a recipe has it."""

from __future__ import annotations

import pytest
import torch
from solids import bumpy

from unbraid import Context, Layout, UnbraidError
from unbraid.testing import RendererSuite, numbers
from unbraid_plugins.opengl.renderer import MeshRenderer
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.light import HarmonicLight
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.topology import Topology
from unbraid_plugins.opengl.shading.draw import Rendering

VERTICES, FACES = bumpy(2)
TOPOLOGY = Topology(FACES)


class TestMeshRenderer(RendererSuite):
    component = MeshRenderer

    def inputs(self):
        vertices = VERTICES.float() * (0.7 + 0.3 * numbers(4, 1, 1))
        return vertices, numbers(4, len(VERTICES), 3), numbers(4, 3) - 0.5, numbers(4, 3, 9), numbers(4, 3)

    def run(self, module, *inputs):
        vertices, colours, angles, light, background = inputs or self.inputs()
        return super().run(module, Mesh(vertices, TOPOLOGY, colours), angles, HarmonicLight(light), background)


def renderer(**options):
    context = Context(name="render", image=(3, 20, 30), code=Layout.of({}))
    return MeshRenderer(**options).build(context)


@pytest.fixture
def mesh() -> Mesh:
    return Mesh(VERTICES.float()[None], TOPOLOGY)


def test_angles_and_cameras_are_views(mesh):
    angles = torch.tensor([[0.3, -0.2], [1.0, 0.4]])
    camera = Camera(orbiting(*angles.unbind(1), 5.0), perspective(torch.tensor(40.0).deg2rad(), aspect=1.5, near=0.125,
                                                                  far=50.0))
    module = renderer(distance=5.0, field_of_view=40.0)
    torch.testing.assert_close(module(mesh, angles), module(mesh, camera))
    assert module(mesh, angles).shape == (2, 3, 20, 30)


def test_light_and_background_in_any_order(mesh):
    module, view = renderer(), torch.zeros(1, 2)
    light, background = HarmonicLight(torch.rand(1, 3, 9)), torch.rand(1, 3)
    assert torch.equal(module(mesh, view, light, background), module(mesh, view, background, light))
    assert torch.equal(module(mesh, view, background)[0, :, 0, 0], background[0])


def test_layers(mesh):
    out = renderer(gives="layers")(mesh, torch.zeros(1, 2))
    assert isinstance(out, Rendering)
    assert out.alpha.shape == out.depth.shape == (1, 1, 20, 30)
    torch.testing.assert_close(out.colour, renderer()(mesh, torch.zeros(1, 2)), atol=1e-4, rtol=0)


def test_half_precision_moves_nothing(mesh):
    """Under autocast the places are as exact as without it, and halves as inputs are made whole."""
    module, view = renderer(), torch.tensor([[0.3, -0.2]])
    exact = module(mesh, view)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(module(mesh, view), exact)
    assert module(mesh, view, torch.ones(1, 3, dtype=torch.bfloat16)).dtype == torch.float32


def test_errors_say_what_was_expected(mesh):
    view = torch.zeros(1, 2)
    for call, told in (
            (lambda r: r(mesh.vertices, view), "first argument is a mesh"),
            (lambda r: r(mesh, torch.zeros(1, 4)), r"a tensor \(1, 4\)(.|\n)*azimuth, elevation, roll"),
            (lambda r: r(mesh, view, torch.zeros(1, 3), torch.zeros(1, 3)), "one light and one background"),
            (lambda r: r(Mesh(mesh.vertices, TOPOLOGY, torch.ones(1, len(VERTICES), 1)), view), "as many channels")):
        with pytest.raises(UnbraidError, match=told):
            call(renderer())
