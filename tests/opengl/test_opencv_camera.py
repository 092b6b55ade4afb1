"""Cameras by K, R and t, against OpenCV's formula: where its points land in the image."""

from __future__ import annotations

import math

import pytest
import torch

from unbraid import UnbraidError
from unbraid_plugins.opengl import Camera, Mesh, draw, opencv_camera, orbiting, perspective

SIZE = 48, 64
K = torch.tensor([[[70.0, 1.5, 20.25], [0, 60, 30.5], [0, 0, 1]]], dtype=torch.float64)
AXIS = torch.tensor([[0.3, -0.2, 0.5]], dtype=torch.float64)
T = torch.tensor([[0.1, -0.3, 4.0]], dtype=torch.float64)


def rotation(axis):
    """Rodrigues' formula."""
    angle = axis.norm()
    x, y, z = axis[0] / angle
    across = torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]], dtype=axis.dtype)
    return (torch.eye(3).double() + angle.sin() * across + (1 - angle.cos()) * across @ across)[None]


def pixels(camera, points):
    """Columns and rows of points as OpenCV counts them, 0 in the middle of the first pixel."""
    clip = camera.projected(points)
    x, y = (clip[..., i] / clip[..., 3] for i in (0, 1))
    return torch.stack([(x + 1) / 2 * SIZE[1] - 0.5, (1 - y) / 2 * SIZE[0] - 0.5], -1)


@pytest.mark.parametrize("r", [rotation(AXIS), AXIS])
def test_points_land_where_opencv_says(r):
    points = torch.randn(1, 20, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.5
    seen = points @ rotation(AXIS).mT + T[:, None]
    expected = seen @ K.mT
    expected = expected[..., :2] / expected[..., 2:]
    torch.testing.assert_close(pixels(opencv_camera(K, r, T, SIZE), points), expected)
    torch.testing.assert_close(pixels(opencv_camera(K, r, T, SIZE, first=0.5), points), expected - 0.5)


def test_a_drawn_point_is_at_its_pixel(backend):
    """A small face at a point of the world covers the pixel that K, R and t say, and no other side of the image."""
    camera = opencv_camera(*(t.float() for t in (K, rotation(AXIS), T)), SIZE)
    corner = torch.tensor([[[0.4, 0.5, 0.2]]])
    face = corner + torch.tensor([[-0.2, -0.1, 0], [0.2, -0.1, 0], [0, 0.2, 0]])
    out = draw(Mesh.of(face, torch.tensor([[0, 1, 2]])), camera, SIZE, backend=backend)
    share = out.alpha[0, 0].double() / out.alpha.sum()
    column, row = ((share.sum(i) * torch.arange(SIZE[1 - i])).sum().item() for i in (0, 1))
    expected = pixels(camera, corner)[0, 0].tolist()
    assert (column, row) == pytest.approx(expected, abs=0.3)
    assert out.depth.max().item() == pytest.approx((corner.double() @ rotation(AXIS).mT + T)[0, 0, 2].item(), abs=0.1)


def test_it_is_the_camera_of_a_field_of_view():
    """Focal length H / 2 cot(fov / 2) and the principal point in the middle are `perspective`."""
    focal = SIZE[0] / 2 / math.tan(0.3)
    k = torch.tensor([[[focal, 0, (SIZE[1] - 1) / 2], [0, focal, (SIZE[0] - 1) / 2], [0, 0, 1]]])
    turned = torch.diag(torch.tensor([1.0, -1, -1]))[None]
    for far in (100.0, math.inf):
        ours = opencv_camera(k, turned, torch.tensor([[0, 0, 4.0]]), SIZE, far=far)
        theirs = Camera(orbiting(torch.zeros(1), torch.zeros(1)), perspective(0.6, aspect=SIZE[1] / SIZE[0], far=far))
        torch.testing.assert_close(ours.view, theirs.view)
        torch.testing.assert_close(ours.projection, theirs.projection)


def test_gradients_reach_k_r_and_t():
    points = torch.randn(1, 4, 3, dtype=torch.float64) * 0.3
    leaves = [t.clone().requires_grad_() for t in (K[:, 0, 2], AXIS, T)]

    def projected(x, axis, t):
        k = K.clone()
        k[:, 0, 2] = x
        return pixels(opencv_camera(k, axis, t, SIZE), points)

    assert torch.autograd.gradcheck(projected, leaves)


@pytest.mark.parametrize(("change", "told"), [
    ({"r": -torch.eye(3)[None]}, "R is no rotation"), ({"r": torch.eye(3)[None] * 2}, "R is no rotation"),
    ({"k": torch.eye(3)[None] * 2}, "K is"), ({"k": torch.zeros(1, 3, 3)}, "K is"), ({"k": torch.eye(3)}, "K has the"),
    ({"t": torch.zeros(3)}, "t has the shape"), ({"t": torch.zeros(1, 3).int()}, "t holds int32"),
    ({"near": 0.0}, "near=0")])
def test_numbers_that_are_no_camera(change, told):
    with pytest.raises(UnbraidError, match=told):
        opencv_camera(**{"k": torch.eye(3)[None], "r": torch.eye(3)[None], "t": torch.zeros(1, 3), "size": SIZE,
                         **change})
