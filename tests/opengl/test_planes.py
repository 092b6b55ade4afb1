"""Planes over the screen say what barycentrics do, in value and gradient."""

from __future__ import annotations

import math

import pytest
import torch
from solids import bumpy
from torch import Tensor

from unbraid_plugins.opengl.raster.rasterize import rasterize
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.shading.fragments import fragments
from unbraid_plugins.opengl.shading.planes import planes


def scene(distance: float) -> tuple[Tensor, Tensor, Tensor]:
    """Clip coordinates of three views, faces, and what is seen; from near, faces reach behind the camera."""
    vertices, faces = bumpy(2)
    angles = torch.tensor([0.3, 1.9, 4.0]).double()
    camera = Camera(orbiting(angles, 0.2 * angles, distance), perspective(math.radians(50)).double())
    clip = camera.clip(camera.seen(vertices[None]))
    return clip, faces, rasterize(clip, faces, (24, 32), backend="torch")


@pytest.mark.parametrize("distance", [4.0, 0.3])
@pytest.mark.parametrize("own", [1, 3])
def test_the_same_as_barycentrics(distance: float, own: int) -> None:
    clip, faces, ids = scene(distance)
    assert (ids >= 0).any()
    assert distance > 1 or (clip[..., 3] < 0).any()
    chance = torch.Generator().manual_seed(0)
    attributes = torch.rand(own, clip.shape[1], 4, generator=chance, dtype=torch.float64)
    slope = torch.rand(int((ids >= 0).sum()), 4, generator=chance, dtype=torch.float64)
    found = []
    for seen in (fragments, planes):
        leaves = clip.clone().requires_grad_(), attributes.clone().requires_grad_()
        front = seen(ids, leaves[0], faces)
        values = front.interpolated(leaves[1], faces)
        found.append([front.pixel, front.sample, values, *torch.autograd.grad(values, leaves, slope)])
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-9)


def test_a_face_thinner_than_rounding_has_one_value_and_no_gradient() -> None:
    clip = torch.tensor([[[-0.9, 0.0, 0, 1], [0.9, 0.0, 0, 1], [0.0, 1e-5, 0, 1]]], requires_grad=True)
    ids = torch.full((1, 8, 8), -1)
    ids[0, 3, 2:6] = 0
    front = planes(ids, clip, torch.tensor([[0, 1, 2]]))
    values = front.interpolated(torch.tensor([[[0.0], [3.0], [6.0]]]), torch.tensor([[0, 1, 2]]))
    torch.testing.assert_close(values, torch.full((4, 1), 3.0))
    assert not torch.autograd.grad(values.sum(), clip)[0].any()


def test_no_pixel() -> None:
    clip, faces, ids = scene(4.0)
    front = planes(torch.full_like(ids, -1), clip.requires_grad_(), faces)
    values = front.interpolated(clip.new_ones(1, clip.shape[1], 2), faces)
    assert values.shape == (0, 2)
    assert not torch.autograd.grad(values.sum(), clip)[0].any()
