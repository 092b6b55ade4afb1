"""Homographies against cameras and points in space, which know nothing of them."""

import math

import numpy as np
import pytest
import torch
from planar import VIEW, views
from scipy.spatial.transform import Rotation

from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.papers.view_graph.planes import homography, hypotheses, in_sight, rotation, warped, warping
from unbraid_plugins.papers.view_graph.rotations import SmallRotations

NORMALS = hypotheses((25, 50), 8)


def points_on(normal, distance=0.0, count=20, seed=0):
    """Points (count, 3) of the plane with this normal, at a distance from the origin."""
    free = np.random.default_rng(seed).uniform(-0.4, 0.4, (count, 2))
    return np.stack([*free.T, (distance - free @ normal[:2]) / normal[2]], 1)


def moved(h, places):
    lifted = np.concatenate([places, np.ones((len(places), 1))], 1) @ h.T
    return lifted[:, :2] / lifted[:, 2:]


def seen(points, azimuth, elevation, distance, field_of_view):
    """The places where the renderer's camera sees points, x and y in [-1, 1]."""
    camera = Camera(orbiting(*(torch.tensor([a], dtype=torch.float64) for a in (azimuth, elevation)), distance),
                    perspective(torch.tensor(field_of_view, dtype=torch.float64)))
    clip = camera.projected(torch.from_numpy(points)[None])[0]
    return (clip[:, :2] / clip[:, 3:]).numpy()


@pytest.mark.parametrize("normal", NORMALS[[0, 1, 3, 6, 10, 16]], ids=lambda n: str(n.numpy().round(2)))
@pytest.mark.parametrize("azimuth", [-0.4, 0.2])
@pytest.mark.parametrize("elevation", [0.0, 0.5])
@pytest.mark.parametrize("offset", [0.0, 0.4])
def test_the_map_is_what_a_camera_sees_that_goes_round(normal, azimuth, elevation, offset):
    """Points of the plane lie in the coordinates of the camera at azimuth 0; the renderer's camera moves."""
    upright = orbiting(*torch.tensor([[0.0], [elevation]], dtype=torch.float64))[0, :3, :3]
    before_it = offset * 3.0 * math.tan(VIEW / 2)                                   # half heights -> the world's units
    points = points_on(normal.numpy(), before_it) @ upright.numpy()                 # camera's coordinates -> world
    before, after = (seen(points, a, elevation, 3.0, VIEW) for a in (0.0, azimuth))
    h = homography(rotation(azimuth, elevation), normal, VIEW, offset).numpy()
    assert np.abs(before - after).max() > 0.01
    np.testing.assert_allclose(moved(h, before), after, atol=1e-9)
    assert np.abs(moved(np.linalg.inv(h), before) - after).max() > 0.02            # the wrong way round is seen


@pytest.mark.parametrize("offset", [0.0, 0.4])
def test_the_affine_limit(offset):
    """x' = R_xy x + R_xz (offset - n_xy . x) / n_z where the camera is far away."""
    normal, r = NORMALS[4], rotation(0.3, 0.2)
    far = homography(r, normal, 1e-6, offset).numpy()
    places = np.random.default_rng(0).uniform(-1, 1, (9, 2))
    depth = (offset - places @ normal[:2].numpy()) / float(normal[2])
    affine = places @ r[:2, :2].numpy().T + np.outer(depth, r[:2, 2].numpy())
    np.testing.assert_allclose(moved(far, places), affine, atol=1e-6)


def test_a_rotation_is_scipys_around_the_axis_that_leans_to_the_camera():
    axis = np.asarray([0, math.cos(0.4), math.sin(0.4)])
    np.testing.assert_allclose(rotation(0.3, 0.4).numpy(), Rotation.from_rotvec(-0.3 * axis).as_matrix(), atol=1e-12)


def test_hypotheses_are_unit_normals_that_face_the_camera():
    assert NORMALS.shape == (17, 3)
    assert torch.allclose(NORMALS.norm(dim=1), torch.ones(17).double())
    assert NORMALS[:, 2].min() > 0.6
    assert torch.equal(NORMALS[0], torch.tensor([0.0, 0, 1]).double())


@pytest.mark.parametrize("size", [(32, 32), (24, 40)], ids=str)
def test_pixels_go_where_the_map_sends_them(size):
    """A bright spot at p is found at H p in the warped image."""
    height, width = size
    h = homography(rotation(0.25), NORMALS[2], VIEW)
    image = torch.zeros(1, 1, height, width)
    y, x = height // 2 + 4, width // 2 - 5
    image[0, 0, y, x] = 1
    spot = np.asarray([[(2 * x + 1 - width) / height, (height - 2 * y - 1) / height]])
    there = warped(image, warping(h, height, width))[0, 0]
    ys, xs = np.mgrid[:height, :width]
    weight = there.numpy() / there.sum().item()
    found = np.asarray([(weight * (2 * xs + 1 - width)).sum(), (weight * (height - 2 * ys - 1)).sum()]) / height
    np.testing.assert_allclose(found, moved(h.numpy(), spot)[0], atol=0.03)


def test_no_rotation_changes_nothing_and_two_are_one():
    x = views([0.0])
    still = warping(homography(rotation(0.0), NORMALS[3], VIEW), 32, 32)
    assert torch.allclose(warped(x, still), x, atol=1e-5)
    assert in_sight(still).all()


def test_planes_that_show_hardly_anything_are_left_out():
    every = SmallRotations.of((25, 50), 8, 15, 2, 0, 40, (32, 32))
    steep = SmallRotations.of((85,), 2, 15, 2, 0, 40, (32, 32))
    assert 9 <= len(every.normals) < 17
    assert len(steep.normals) == 1                                                 # the fronto-parallel one stays
    assert torch.equal(every.places(3, 0.3), every.places(3, 0.3))


def test_every_plane_is_tried_at_every_offset():
    through, both = (SmallRotations.of((25,), 4, 15, 2, 0, 40, (32, 32), o) for o in ((0.0,), (0.0, 0.3)))
    before = SmallRotations.of((25,), 4, 15, 2, 0, 40, (32, 32), (0.3,))
    assert len(both.normals) == len(through.normals) + len(before.normals)
    assert torch.equal(both.grid(0.2), torch.cat([through.grid(0.2), before.grid(0.2)]))
    assert not torch.allclose(through.grid(0.2)[0], before.grid(0.2)[0], atol=0.02)
    wide = SmallRotations.of((25,), 4, 15, 2, 0, 150, (32, 32), (0.0, 0.9))         # the camera stands within 0.9
    assert len(wide.normals) == len(SmallRotations.of((25,), 4, 15, 2, 0, 150, (32, 32)).normals)
