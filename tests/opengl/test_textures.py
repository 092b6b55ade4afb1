"""Textures that are finer than the image: mipmaps."""

from __future__ import annotations

import math

import pytest
import torch
from solids import square

from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.texture import halved, mipmapped, sampled, spots
from unbraid_plugins.opengl.shading.draw import draw


def dice(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def textured(texture, size=1.0):
    vertices, faces = square(size)
    return Mesh.of(vertices[None], faces, uv=(vertices[None, :, :2] / size + 1) / 2, texture=texture)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_pixel_as_large_as_four_texels_sees_their_mean(front, level):
    texture = dice(1, 3, 16 * 2**level, 16 * 2**level)
    out = draw(textured(texture), front, (16, 16), mipmaps=True)
    expected = torch.nn.functional.avg_pool2d(texture, 2**level)
    torch.testing.assert_close(out.colour, expected)


@pytest.mark.parametrize("width", [7, 31, 33, 129, 255, 257])
@pytest.mark.parametrize("count", [4, 5])
def test_a_ramp_of_any_size_stays_a_ramp(front, width, count):
    """Levels of odd sizes are the means of what they cover, so that nothing moves."""
    ramp = ((torch.arange(width) + 0.5) / width).double().expand(1, 3, width, width)
    found = draw(textured(ramp), front, (count, count), mipmaps=True, smooth=False).colour[0, 0, count // 2]
    expected = ((torch.arange(count) + 0.5) / count).double()
    torch.testing.assert_close(found[1:-1], expected[1:-1], atol=0.01, rtol=0)
    torch.testing.assert_close(found, expected, atol=0.04, rtol=0)         # the border ends half a texel earlier
    level = halved(halved(ramp).mT).mT
    assert level.shape[2:] == ((width + 1) // 2,) * 2
    torch.testing.assert_close(level.mean(), ramp.mean())


def test_an_oblique_checkerboard_is_grey_far_away():
    """Without mipmaps it is not: single texels are seen."""
    board = (torch.arange(256)[:, None] + torch.arange(256)).remainder(2).double().expand(1, 3, -1, -1)
    camera = Camera(orbiting(torch.tensor([1.35]).double(), torch.tensor([0.0]).double(), 5.0),
                    perspective(math.radians(25)).double())
    spread = {}
    for mipmaps in (False, True):
        out = draw(textured(board), camera, (32, 32), smooth=False, mipmaps=mipmaps)
        spread[mipmaps] = (out.colour[0, 0][out.ids[0] >= 0] - 0.5).abs().mean()
    assert spread[True] < 1e-6
    assert spread[False] > 0.1


def test_gradients_of_mipmapped_values():
    texture, uv, sample = dice(2, 2, 8, 4), dice(12, 2, seed=1) * 0.8 + 0.1, torch.arange(12) % 2
    steps, at = dice(12, 2, 2, seed=2) * 1.2, spots(uv).requires_grad_()
    assert torch.autograd.gradcheck(lambda t, p: mipmapped(t, p, sample, steps), [texture.requires_grad_(), at])
    torch.testing.assert_close(mipmapped(texture, at, sample, steps * 0), sampled(texture, at, sample))


def test_gradients_through_mipmaps_reach_the_scene(front):
    texture = dice(1, 3, 64, 64).requires_grad_()
    mesh = textured(texture)
    leaf = (mesh.vertices * 0.7).requires_grad_()
    out = draw(Mesh(leaf, mesh.topology, None, mesh.uv, texture), front, (16, 16), mipmaps=True)
    out.colour.square().sum().backward()
    assert texture.grad.any()
    assert leaf.grad.isfinite().all()
    assert leaf.grad.any()


@pytest.mark.parametrize("count", [1, 2])
def test_every_image_sees_its_own_texture(front, backend, count):
    texture = dice(count, 3, 16, 16).float()
    mesh = textured(texture)
    mesh = Mesh(mesh.vertices.float().expand(2, -1, -1), mesh.topology, None, mesh.uv.float(), texture)
    out = draw(mesh, Camera(front.view.float(), front.projection.float()), (16, 16), geometry=False, backend=backend)
    torch.testing.assert_close(out.colour, texture.expand(2, -1, -1, -1), rtol=0, atol=1e-4)
