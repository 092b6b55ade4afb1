"""The example of docs/fitting.md: a solid is found back from its colours, and not without gradients of outlines."""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from unbraid_plugins.opengl.scene.mesh import Mesh

SCRIPT = Path(__file__).parents[2] / "docs/examples/fit_mesh.py"


@pytest.fixture(scope="module")
def example():
    found = importlib.util.spec_from_file_location("fit_mesh", SCRIPT)
    module = importlib.util.module_from_spec(found)
    sys.modules["fit_mesh"] = module
    found.loader.exec_module(module)
    return module


def egg(example) -> Mesh:
    """Long, off the middle, its colours from side to side."""
    ball = example.ball(16)
    vertices = ball.vertices * torch.tensor([0.3, 0.35, 0.8]) + torch.tensor([0.2, -0.1, 0])
    return Mesh(vertices, ball.topology, ball.vertices * 0.4 + 0.5)


def test_a_ball_becomes_an_egg(example):
    found = {}
    for smooth in (True, False):
        dice = torch.Generator().manual_seed(0)
        task = example.Task.of(egg(example), 12, 32, dice)
        mesh, views = example.fit(task, task.angles, steps=100, batch=4, cells=20, texels=16, smooth=smooth,
                                  dice=dice)
        found[smooth] = example.measured(mesh, views, task, dice)
    print(found)
    assert found[True]["IoU"] > 0.95
    assert found[False]["IoU"] < 0.8


def test_the_ball_is_closed_and_its_texture_covers_a_square(example):
    ball = example.ball(6)
    assert len(ball.topology.edges) * 2 == len(ball.faces) * 3
    torch.testing.assert_close(ball.vertices.norm(dim=2), torch.ones(1, ball.vertices.shape[1]))
    assert ((ball.normals() * ball.vertices).sum(2) > 0.9).all()
    a, b, c = ball.uv[0][ball.topology.texture_faces].unbind(1)
    areas = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert areas.abs().sum().item() == pytest.approx(2, abs=1e-5)
    assert (areas > 0).all() or (areas < 0).all()


def test_points_are_spread_evenly(example):
    points = example.on_surface(example.ball(12), 4000, torch.Generator().manual_seed(0))
    octants = torch.bincount((points > 0).long() @ torch.tensor([1, 2, 4]), minlength=8) / 4000
    assert (octants - 1 / 8).abs().max() < 0.02
    assert points.norm(dim=1).mean().item() == pytest.approx(1, abs=math.radians(1))


def test_it_tells_what_it_does():
    said = subprocess.run([sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True, timeout=120)
    assert said.returncode == 0
    assert "--crisp" in said.stdout
