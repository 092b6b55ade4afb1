"""Meshes of different topology in one batch."""

from __future__ import annotations

import pytest
import torch
from solids import bumpy, square

from unbraid import UnbraidError
from unbraid.values import map_tensors
from unbraid_plugins.opengl.scene.camera import Camera
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.shading.draw import draw
from unbraid_plugins.opengl.shading.mixed_meshes import draw_different


@pytest.fixture
def meshes() -> list[Mesh]:
    ball, faces = bumpy(1)
    flat, two = square(0.6)
    balls = ball.float()[None] * torch.tensor([1.0, 0.6])[:, None, None]
    return [Mesh.of(balls, faces), Mesh.of(flat.float()[None], two)]


def one(camera: Camera, i: int) -> Camera:
    return map_tensors(lambda t: t if len(t) == 1 else t[i:i + 1], camera)


def test_each_is_drawn_as_alone(meshes, camera, backend):
    background = torch.rand(3, 3)
    out = draw_different(meshes, camera, (20, 24), background=background, backend=backend)
    alone = draw(meshes[1], one(camera, 2), (20, 24), background=background[2:], backend=backend)
    assert out.colour.shape == (3, 3, 20, 24)
    assert torch.equal(out.colour[2:], alone.colour)
    assert torch.equal(out.ids[2:], alone.ids)
    assert out.ids[2].max() == 1
    assert out.ids[0].max() > 1


def test_gradients_reach_every_mesh(meshes, camera):
    leaves = [mesh.vertices.clone().requires_grad_() for mesh in meshes]
    moving = [Mesh(leaf, mesh.topology) for leaf, mesh in zip(leaves, meshes, strict=True)]
    draw_different(moving, camera, (20, 24), geometry=False).alpha.sum().backward()
    assert all(leaf.grad.any() for leaf in leaves)


def test_errors_count_the_images(meshes, camera):
    with pytest.raises(UnbraidError, match="of 3 images, the meshes of 2"):
        draw_different(meshes[:1], camera, (8, 8))
    with pytest.raises(UnbraidError, match="no mesh"):
        draw_different([], camera, (8, 8))
    grey = Mesh(meshes[1].vertices, meshes[1].topology, torch.ones(1, 4, 1))
    with pytest.raises(UnbraidError, match="1 and 3 colours"):
        draw_different([meshes[0], grey], camera, (8, 8))
