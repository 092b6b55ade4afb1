"""The crisp layer and the margin over it: an image whose gradients are exact, also where surfaces hide each other."""

from __future__ import annotations

import pytest
import torch
from solids import bumpy, square

from unbraid import Context, Layout
from unbraid.testing import RendererSuite, numbers
from unbraid_plugins.opengl.margin_renderer import Margin, draw_with_margin
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.light import HarmonicLight
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.topology import Topology

VERTICES, FACES = bumpy(1)


class TestMargin(RendererSuite):
    component = Margin

    def inputs(self):
        vertices = VERTICES.float() * (0.7 + 0.3 * numbers(4, 1, 1))
        return vertices, numbers(4, len(VERTICES), 3), numbers(4, 3) - 0.5, numbers(4, 3, 9), numbers(4, 3)

    def run(self, module, *inputs):
        vertices, colours, angles, light, background = inputs or self.inputs()
        return super().run(module, Mesh(vertices, Topology(FACES), colours), angles, HarmonicLight(light), background)


def slope(value, leaf):
    return torch.autograd.grad(value, leaf)[0]


def test_the_covered_area_against_differences(front, backend):
    """The square's size: a margin on its four sides moves with it."""
    vertices, faces = square(8.3 / 16)
    scale = torch.ones((), dtype=torch.float64, requires_grad=True)

    def area(s):
        return draw_with_margin(Mesh.of(vertices[None] * s, faces), front, (32, 32), backend=backend).alpha.sum()

    step = 1e-4
    measured = (area(scale.detach() + step) - area(scale.detach() - step)) / (2 * step)
    assert slope(area(scale), scale).item() == pytest.approx(measured.item(), rel=1e-4)
    assert slope(area(scale), scale).item() == pytest.approx(8 * 8.3 * 8.3, rel=0.1)
    assert 4 * 8.3**2 < area(scale).item() < 4 * 9.3**2


def sliding(shift, front, backend):
    """A small bright square in front of a dark one; the sum of the image's colours."""
    near, faces = square(0.3, 0.5)
    far = square(0.8, -0.5)[0]
    moved = near + shift * torch.tensor([1.0, 0, 0]).double()
    colours = torch.cat([torch.full((4, 1), 0.9), torch.full((4, 1), 0.2)])[None].double()
    mesh = Mesh(torch.cat([moved, far])[None], Topology(torch.cat([faces, faces + 4])), colours)
    weights = (torch.arange(32).double() / 32).square()
    return (draw_with_margin(mesh, front, (32, 32), backend=backend).colour * weights).sum()


def test_the_margin_lies_over_what_is_behind_it(front, backend):
    """With the crisp layer over it, a surface before another would have no gradient at all."""
    shift, step = torch.tensor(0.013, dtype=torch.float64, requires_grad=True), 1e-4
    with torch.no_grad():
        measured = (sliding(shift + step, front, backend) - sliding(shift - step, front, backend)) / (2 * step)
    assert abs(measured) > 1
    assert slope(sliding(shift, front, backend), shift).item() == pytest.approx(measured.item(), rel=1e-3)


def test_inner_edges_have_no_margin(camera, front, backend):
    vertices, faces = square(0.9)
    out = draw_with_margin(Mesh.of(vertices[None], faces), front, (32, 32), backend=backend)
    assert (out.alpha[..., 3:-3, 3:-3] == 1).all()
    ball = Mesh.of(bumpy(3)[0][None].float(), bumpy(3)[1])
    out = draw_with_margin(ball, camera, (48, 48), cull=True, backend=backend)
    assert (out.alpha[(out.ids >= 0)[:, None]] == 1).all()
    assert ((out.alpha > 0) & (out.alpha < 1)).any()


def test_a_wider_margin_reaches_farther(front):
    vertices, faces = square(0.5)
    mesh = Mesh.of(vertices[None], faces)
    widths = [draw_with_margin(mesh, front, (32, 32), width=w).alpha.gt(0).sum() for w in (1, 3)]
    assert widths[1] > 1.2 * widths[0]


@pytest.mark.parametrize("change", [lambda v: v * 0, lambda v: v + 50, lambda v: v * 10, lambda v: v * torch.nan])
def test_numbers_are_finite(camera, change):
    leaf = change(VERTICES.float())[None].requires_grad_()
    out = draw_with_margin(Mesh(leaf, Topology(FACES)), camera, (16, 16))
    out.alpha.square().sum().backward()
    assert out.alpha.isfinite().all()
    assert leaf.grad.isfinite().all() or leaf.isnan().any()


def test_it_is_a_renderer_of_recipes():
    module = Margin(width=2.0).build(Context(name="render", image=(3, 12, 16), code=Layout.of({})))
    assert module(Mesh(VERTICES.float()[None], Topology(FACES)), torch.zeros(2, 2)).shape == (2, 3, 12, 16)


@pytest.mark.parametrize(("near", "far", "seen"), [(0.1, 100.0, True), (0.1, 3.9, False), (4.1, 100.0, False)])
def test_what_the_near_or_the_far_plane_cuts_off_has_no_margin(backend, near, far, seen):
    """A square at distance 4."""
    vertices, faces = square(0.7)
    zero = torch.zeros(1, dtype=torch.float64)
    camera = Camera(orbiting(zero, zero, 4.0), perspective(0.8, near=near, far=far).double())
    out = draw_with_margin(Mesh.of(vertices[None], faces), camera, (32, 32), backend=backend)
    assert bool(out.alpha.any()) == seen


def test_a_floor_has_a_margin_as_far_as_it_is_seen(backend):
    """It goes through the far plane at z = -4: no row of pixels beyond has a margin."""
    vertices = torch.tensor([[-0.5, -0.5, 1], [0.5, -0.5, 1], [0.5, -0.5, -40], [-0.5, -0.5, -40]], dtype=torch.float64)
    zero = torch.zeros(1, dtype=torch.float64)
    camera = Camera(orbiting(zero, zero, 4.0), perspective(0.8, far=8.0).double())
    mesh = Mesh.of(vertices[None], torch.tensor([[0, 1, 2], [0, 2, 3]]))
    out = draw_with_margin(mesh, camera, (64, 64), backend=backend)
    rows, seen = ((t > 0).any(-1).squeeze() for t in (out.alpha, out.ids + 1))
    assert 5 < seen.sum() < 20
    assert 1 <= (rows & ~seen).sum() <= 2          # at its near end, and where its far end passes between two rows
