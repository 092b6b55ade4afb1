"""Far surroundings: what a camera sees of them, against a mesh around it, and what they do when it turns."""

from __future__ import annotations

import math

import pytest
import torch

from unbraid import Context, Layout, UnbraidError
from unbraid_plugins.opengl.renderer import MeshRenderer
from unbraid_plugins.opengl.scene.background import Panorama
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, orthographic, perspective
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.topology import Topology
from unbraid_plugins.opengl.shading.draw import draw

EMPTY = Mesh(torch.zeros(1, 3, 3), Topology(torch.tensor([[0, 1, 2]])))


def surroundings(height: int, width: int, span: float = 2 * math.pi) -> torch.Tensor:
    """A smooth image (1, 3, height, width) that is another everywhere, and closes where it goes all around."""
    azimuth = ((torch.arange(width) + 0.5) / width - 0.5) * span
    elevation = (0.5 - (torch.arange(height) + 0.5) / height)[:, None] * span * height / width
    return torch.stack([0.5 + 0.4 * azimuth.sin() * elevation.cos(), 0.5 + 0.4 * azimuth.cos() * elevation.cos(),
                        (0.5 + 0.4 * elevation.sin()).expand(height, width)])[None]


def globe(radius: float, rows: int = 48) -> Mesh:
    """A sphere around everything, of which the same colours are painted on the vertices."""
    elevation = torch.linspace(math.pi / 2, -math.pi / 2, rows)
    azimuth = torch.linspace(-math.pi, math.pi, 2 * rows)
    e, a = torch.meshgrid(elevation, azimuth, indexing="ij")
    points = torch.stack([a.sin() * e.cos(), e.sin(), -a.cos() * e.cos()], -1).reshape(-1, 3)
    first = (torch.arange(rows - 1)[:, None] * 2 * rows + torch.arange(2 * rows - 1)).flatten()
    quads = torch.stack([first, first + 1, first + 2 * rows + 1, first + 2 * rows], 1)
    faces = torch.cat([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    colours = torch.stack([0.5 + 0.4 * a.sin() * e.cos(), 0.5 + 0.4 * a.cos() * e.cos(), 0.5 + 0.4 * e.sin()], -1)
    return Mesh((points * radius)[None], Topology(faces), colours.reshape(1, -1, 3))


def test_it_is_what_a_huge_sphere_shows():
    """Rendered as a mesh of radius 10000: another path from directions to colours, for any camera that turns."""
    a, e, roll = torch.tensor([[0.0, 0.3, -2.9, 1.5], [0.0, -0.6, 0.4, 1.2], [0.0, 0.2, -1.0, 0.0]])
    camera = Camera(orbiting(a, e, 4.0, roll), perspective(math.radians(50), aspect=1.5, far=2e4))
    expected = draw(globe(1e4), camera, (20, 30), smooth=False, backend="torch").colour
    found = Panorama(surroundings(90, 180)).seen(camera, (20, 30))
    torch.testing.assert_close(found, expected, atol=0.005, rtol=0)


def test_part_of_the_surroundings_is_the_same_part():
    camera = Camera(orbiting(torch.tensor([-0.2, 0.25]), torch.tensor([0.1, -0.1]), 4.0), perspective(math.radians(30)))
    part = Panorama(surroundings(64, 80, 1.5), 1.5).seen(camera, (16, 16))
    torch.testing.assert_close(part, Panorama(surroundings(90, 180)).seen(camera, (16, 16)), atol=0.005, rtol=0)


def test_it_moves_the_other_way_than_the_object_in_front():
    """The camera goes to the right around the origin and so turns left: what is behind comes in from the left."""
    stripe = torch.zeros(1, 3, 8, 90)
    stripe[..., 40:50] = 1
    near, far = torch.tensor([[[0.0, 0.0, 1.0]]]), Panorama(stripe, math.pi / 2)
    places = []
    for azimuth in (0.0, 0.15):
        camera = Camera(orbiting(torch.tensor([azimuth]), torch.zeros(1), 4.0), perspective(math.radians(40)))
        seen = far.seen(camera, (9, 65))[0, 0].mean(0)
        clip = camera.clip(camera.seen(near))[0, 0]
        places.append((float((seen * torch.linspace(-1, 1, 65)).sum() / seen.sum()), float(clip[0] / clip[3])))
    (far_before, near_before), (far_after, near_after) = places
    assert far_before == pytest.approx(0, abs=0.02)
    assert far_after > 0.3
    assert near_before == pytest.approx(0, abs=1e-6)
    assert near_after < -0.1


def test_gradients_reach_image_and_camera():
    dice = torch.Generator().manual_seed(1)
    image = torch.rand(1, 2, 6, 9, generator=dice, dtype=torch.float64, requires_grad=True)
    angles = torch.tensor([[0.31, -0.12], [-0.4, 0.23]], dtype=torch.float64, requires_grad=True)
    lens = torch.tensor([0.6], dtype=torch.float64, requires_grad=True)

    def seen(image, angles, lens):
        return Panorama(image, 2.0).seen(Camera(orbiting(*angles.unbind(1)), perspective(lens)), (3, 4))

    assert torch.autograd.gradcheck(seen, (image, angles, lens), eps=1e-7)


def test_straight_up_is_finite():
    angles = torch.tensor([[0.0, math.pi / 2], [0.3, -math.pi / 2]], requires_grad=True)
    camera = Camera(orbiting(*angles.unbind(1)), perspective(0.6))
    seen = Panorama(surroundings(9, 18)).seen(camera, (5, 5))
    seen.sum().backward()
    assert seen.isfinite().all()
    assert angles.grad.isfinite().all()
    up = Camera(torch.tensor([[[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]]), perspective(0.6))
    up.view.requires_grad_()
    Panorama(surroundings(9, 18)).seen(up, (1, 1)).sum().backward()
    assert up.view.grad.isfinite().all()


def test_it_closes():
    """No jump where the last column meets the first: behind the camera's starting place."""
    dice = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, 8, 16, generator=dice)
    angles = torch.linspace(math.pi - 0.3, math.pi + 0.3, 601)
    camera = Camera(orbiting(angles, torch.zeros(601)), perspective(0.01))
    values = Panorama(image).seen(camera, (1, 1))[:, :, 0, 0]
    assert (values[1:] - values[:-1]).abs().max() < 0.005
    assert values.std(0).min() > 0.01


def test_a_parallel_camera_sees_a_part_that_moves():
    views = orbiting(torch.tensor([0.0, 0.4]), torch.zeros(2))
    flat, deep = (Panorama(surroundings(45, 90)).seen(Camera(views, p), (12, 12))
                  for p in (orthographic(2.0), perspective(math.radians(30))))
    torch.testing.assert_close(flat, deep)
    assert (flat[0] - flat[1]).abs().max() > 0.05


def test_it_is_behind_the_mesh_and_an_option_of_the_renderer():
    context = Context(name="render", image=(3, 12, 16), code=Layout.of({}))
    image, view = surroundings(20, 60, math.radians(120)), torch.tensor([[0.3, 0.1], [-0.5, 0.0]])
    square = Mesh(torch.tensor([[[-0.3, -0.3, 0], [0.3, -0.3, 0], [0, 0.3, 0]]]), Topology(torch.tensor([[0, 1, 2]])))
    moving = MeshRenderer(panorama=120.0, gives="layers").build(context)(square, view, image)
    explicit = MeshRenderer().build(context)(square, view, Panorama(image, math.radians(120)))
    assert torch.equal(moving.colour, explicit)
    free = (moving.alpha == 0).expand_as(explicit)
    camera = Camera(orbiting(*view.unbind(1), 4.0), perspective(math.radians(30), aspect=16 / 12))
    seen = Panorama(image, math.radians(120)).seen(camera, (12, 16))
    torch.testing.assert_close(explicit[free], seen[free])
    assert 0.5 < free.float().mean() < 0.99
    assert torch.equal(MeshRenderer(panorama=90.0).build(context)(square, view, torch.ones(1, 3))[free],
                       torch.ones_like(explicit)[free])


def test_errors_say_what_was_expected():
    camera = Camera(orbiting(torch.zeros(2), torch.zeros(2)), perspective(0.5))
    for wrong, told in (
            (lambda: Panorama(torch.ones(3, 4, 4)), r"expected \(B, C, h, w\)"),
            (lambda: Panorama(torch.ones(1, 3, 4, 4), 7.0), "at most 2 pi"),
            (lambda: draw(EMPTY, camera, (4, 4), background=torch.ones(1, 3, 8, 8)), "or a Panorama of any size"),
            (lambda: draw(EMPTY, camera, (4, 4), background=Panorama(torch.ones(1, 1, 8, 8))), "has the shape"),
            (lambda: draw(EMPTY, camera, (4, 4), background=Panorama(torch.ones(3, 3, 8, 8))), "background 3")):
        with pytest.raises(UnbraidError, match=told):
            wrong()
