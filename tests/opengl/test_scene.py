"""Meshes, cameras and lights: their conventions, and what they say to those who break them."""

from __future__ import annotations

import math

import pytest
import torch
from solids import icosphere, square

from unbraid import UnbraidError
from unbraid.values import map_tensors, tensors
from unbraid_plugins.opengl.scene.camera import Camera, looking, orbiting, orthographic, perspective, weak_perspective
from unbraid_plugins.opengl.scene.light import DirectionalLight, HarmonicLight, harmonic_basis
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.topology import Topology
from unbraid_plugins.opengl.shading.draw import draw


def angles(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def test_the_camera_looks_along_minus_z_with_y_up():
    camera = Camera(orbiting(angles(0), angles(0), 4.0), perspective(angles(math.pi / 2), near=1, far=10))
    points = torch.tensor([[[0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 3], [0, 0, -6]]], dtype=torch.float64)
    x, y, z, w = camera.clip(camera.seen(points)).unbind(-1)
    torch.testing.assert_close(x / w, angles(0, 1, 0, 0, 0)[None])
    torch.testing.assert_close(y / w, angles(0, 0, 1, 0, 0)[None])
    assert (z / w)[0, 3].item() == pytest.approx(-1)
    assert (z / w)[0, 4].item() == pytest.approx(1)


def test_azimuth_elevation_and_roll():
    def eye(view):
        return -view[0, :3, :3].T @ view[0, :3, 3]

    torch.testing.assert_close(eye(orbiting(angles(math.pi / 2), angles(0), 2.0)), angles(2, 0, 0))
    torch.testing.assert_close(eye(orbiting(angles(0), angles(math.pi / 2), 2.0)), angles(0, 2, 0))
    rolled = Camera(orbiting(angles(0), angles(0), 2.0, angles(0.3)), orthographic(angles(2)))
    seen = rolled.seen(angles(1, 0, 0)[None, None])[0, 0]
    assert math.atan2(seen[1], seen[0]) == pytest.approx(-0.3)       # the camera turns left, the world right


def test_looking_at_the_origin_is_orbiting():
    a, e = angles(0.3, 2.0, -1.0), angles(0.5, -0.2, 1.2)
    eye = 3 * torch.stack([a.sin() * e.cos(), e.sin(), a.cos() * e.cos()], 1)
    torch.testing.assert_close(looking(eye), orbiting(a, e, 3.0))
    straight_down = looking(angles(0, 5, 0)[None])
    assert straight_down.isfinite().all()
    torch.testing.assert_close(torch.linalg.det(straight_down), angles(1))


def test_autocast_moves_no_camera():
    turned = torch.tensor([0.3, 2.0])
    eye = torch.stack([turned, turned - 1, turned + 3], 1)
    camera = Camera(looking(eye), perspective(0.6))
    for view in (lambda: orbiting(turned, turned / 2, 3.1), lambda: looking(eye), lambda: camera.projected(eye[None])):
        exact = view()
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(view(), exact)


def test_weak_perspective_scales_and_shifts():
    camera = Camera(orbiting(angles(0), angles(0)), weak_perspective(angles(0.5, 2), angles(0.1, -0.2)[None]))
    clip = camera.clip(camera.seen(angles(0.2, 0.4, -1).expand(2, 1, 3)))
    torch.testing.assert_close(clip[:, 0, :2], torch.stack([angles(0.2, 0), angles(0.5, 0.6)]))
    torch.testing.assert_close(clip[:, 0, 3], angles(1, 1))


def test_normals_of_a_sphere_point_outside():
    vertices, faces = icosphere(3)
    torch.testing.assert_close(Mesh.of(vertices[None], faces).normals()[0], vertices, atol=0.02, rtol=0)


def test_a_seam_is_no_border():
    """Two squares that share a side, its vertices doubled: welded, the side has two faces and one normal."""
    (left, faces), (right, _) = square(1.0, centre=(-1.0, 0.0)), square(1.0, centre=(1.0, 0.0))
    mesh = Mesh.of(torch.cat([left, right])[None], torch.cat([faces, faces + 4]))
    assert len(mesh.topology.edges) == 9
    assert len(Topology(mesh.faces).edges) == 10
    assert torch.equal(mesh.normals()[0], angles(0, 0, 1).expand(8, 3))


def test_normals_without_faces_are_zero():
    mesh = Mesh.of(torch.zeros(1, 4, 3, requires_grad=True), torch.tensor([[0, 1, 2]]))
    normals = mesh.normals()
    normals.sum().backward()
    assert not normals.any()
    assert mesh.vertices.grad.isfinite().all()


def test_the_harmonic_light_is_what_a_lamp_field_gives():
    """Shading by nine harmonics against the integral over the sphere, for light that has only these nine."""
    dice = torch.Generator().manual_seed(0)
    light = torch.randn(1, 3, 9, generator=dice, dtype=torch.float64) * 0.1
    light[..., 0] += 4
    around, _ = icosphere(5)
    a = torch.tensor([1, 2 / 3, 2 / 3, 2 / 3, *5 * [1 / 4]], dtype=torch.float64)
    radiance = harmonic_basis(around) / a @ light[0].T                  # Y_lm without A_l / pi
    normals = icosphere(0)[0]
    cosine = (normals @ around.T).clamp_min(0)
    expected = cosine @ radiance * 4 / len(around)                      # 1 / pi * integral, 4 pi / N each
    found = HarmonicLight(light).shading(normals, torch.zeros(len(normals), dtype=torch.long))
    torch.testing.assert_close(found, expected, rtol=0.01, atol=0.01)


def test_even_light_shows_the_albedo():
    normals = icosphere(1)[0]
    shading = HarmonicLight.even(angles(1, 0.5, 2)[None]).shading(normals, torch.zeros(len(normals), dtype=torch.long))
    torch.testing.assert_close(shading, angles(1, 0.5, 2).expand_as(shading))


def test_a_lamp_lights_what_faces_it():
    lamp = DirectionalLight(angles(0, 0, 7)[None], angles(0.5)[None], angles(0.2)[None])
    shading = lamp.shading(torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.long))
    torch.testing.assert_close(shading[:, 0], angles(0.2, 0.2, 0.7))


def test_scenes_are_values():
    vertices, faces = square(1.0)
    mesh = Mesh.of(vertices[None], faces, colours=torch.ones(1, 4, 3))
    moved = map_tensors(lambda t: t.to("meta"), mesh)
    assert moved.vertices.is_meta
    assert moved.topology is mesh.topology
    assert len(list(tensors(mesh))) == 2


def test_errors_say_what_was_expected():
    vertices, faces = square(1.0)
    for wrong, told in (
            (lambda: Mesh.of(vertices, faces), r"expected \(B, V, 3\)"),
            (lambda: Mesh.of(vertices[None], faces, colours=torch.ones(1, 5, 3)), "size 4 in dimension 1"),
            (lambda: Mesh.of(vertices[None], faces, texture=torch.ones(1, 3, 2, 2)), "texture coordinates"),
            (lambda: Mesh.of(vertices[None], faces.float()), "int64"),
            (lambda: Mesh.of(vertices[None], faces, texture_faces=faces[:1]), "1 texture faces for 2 faces"),
            (lambda: Camera(torch.eye(4), torch.eye(4)[None]), r"view has the shape \(4, 4\)"),
            (lambda: HarmonicLight(torch.ones(1, 3, 4)), r"expected \(B, C, 9\)"),
            (lambda: HarmonicLight(torch.ones(3, 9)), r"harmonics of shape \(3, 9\)"),
            (lambda: DirectionalLight(torch.ones(3), torch.ones(1, 3), torch.ones(1, 3)), r"expected \(B, 3\)"),
            (lambda: DirectionalLight(torch.ones(1, 3), torch.ones(3), torch.ones(1, 3)), r"colour of shape \(3,\)"),
            (lambda: DirectionalLight(torch.ones(1, 3), torch.ones(1, 3), torch.ones(3)), r"expected \(B, C\)")):
        with pytest.raises(UnbraidError, match=told):
            wrong()


def test_flat_faces_have_one_normal_and_two_sides():
    """A roof: two squares that meet at an edge, seen from the front, where one is inside out."""
    vertices = torch.tensor([[[-1.0, -1, 0], [0, -1, 1], [0, 1, 1], [-1, 1, 0], [1, -1, 0], [1, 1, 0]]])
    roof = Mesh.of(vertices, torch.tensor([[0, 1, 2], [0, 2, 3], [1, 2, 5], [1, 5, 4]]))
    half = math.sqrt(0.5)
    left, right = torch.tensor([-half, 0, half]), torch.tensor([half, 0, half])
    torch.testing.assert_close(roof.face_normals()[0], torch.stack([left, left, -right, -right]))
    zero = torch.zeros(1)
    camera = Camera(orbiting(zero, zero), orthographic(2.0))
    for both_sides, expected in ((False, -right), (True, right)):
        normals = draw(roof, camera, (8, 8), flat=True, both_sides=both_sides, backend="torch").normals[0]
        torch.testing.assert_close(normals[:, 1:-1, 1:4], left[:, None, None].expand(3, 6, 3))
        torch.testing.assert_close(normals[:, 1:-1, 4:7], expected[:, None, None].expand(3, 6, 3))


def test_a_surface_has_the_texture_at_its_vertices():
    vertices, faces = square(1.0)
    texture = torch.tensor([[0.0, 1.0], [0.5, 0.25]], dtype=torch.float64).expand(1, 3, 2, 2)
    uv = torch.tensor([[[1.0, 1], [0, 1], [0, 0], [1, 0]]], dtype=torch.float64)
    mesh = Mesh.of(vertices.repeat(2, 1, 1), faces, uv=uv, texture=texture, texture_faces=(faces + 2) % 4)
    _, corners, colours = mesh.surface()
    assert torch.equal(corners, faces)
    torch.testing.assert_close(colours[1, :, 0], angles(0.5, 0.25, 1.0, 0.0))      # at (0, 0), (1, 0), (1, 1), (0, 1)
    assert Mesh.of(vertices[None], faces).surface()[2] is None
