"""Shape3d as the papers' equations in a plain loop, both stages: the engine makes the same weights."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from by_hand import Hand, differences, players_of
from torch import Tensor
from torch.nn import functional as F

from unbraid.engine import Players
from unbraid.values import Noise
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.papers.shape3d.grid import places, topology

SMALL = (*(f"networks.{name}.width=3" for name in ("generator", "critic", "encoder")), "networks.generator.points=9",
         "networks.generator.background=24", "networks.render.backend=torch", "data.batch=3", "code.object=5",
         "flow.z=normal(size=5)", "flow.v=shape3d.viewpoints(azimuth=50, elevation=10, middle=20)")
LEARNING = ("generator", "critic", "encoder")
pytestmark = pytest.mark.usefixtures("double_precision")


@pytest.fixture
def players(source: dict[str, Any], form: str) -> Players:
    return players_of({"base": "shape3d", "data": {"source": source}}, *SMALL, f"networks.generator.form={form}",
                      "players.critic.until_step=2", "players.generator.until_step=2", "players.encoder.from_step=2")


def drawn(h: Hand, step: int, x: Tensor) -> tuple[Tensor, Tensor]:
    """z and v of a step."""
    noise = Noise(0, torch.device("cpu"), batch=len(x), step=step, dtype=torch.float64)
    z = noise.at("z/operations.normal.1").normal(len(x), 5)
    spread = 2 * noise.at("v/shape3d.viewpoints.1").uniform(len(x), 2) - 1
    return z, torch.deg2rad(torch.tensor([0.0, 20.0]) + spread * torch.tensor([50.0, 10.0]))


def picture(h: Hand, z: Tensor, v: Tensor) -> Tensor:
    s, t, b = (m := h.generator(z)).surface.points, m.texture, m.background
    inner = torch.as_tensor(places(9)).reshape(2, -1).T * (1 - 1 / 16)                 # texels' centres, 16 a side
    vertices = s.reshape(len(s), 3, -1).transpose(1, 2)
    return h.render(Mesh(vertices, topology(m.surface.form, 9), uv=(inner[None] + 1) / 2, texture=t), v, b)


def rough(s: Tensor, form: str) -> Tensor:
    total, count = 0, 0
    n = s.shape[-1]

    def at(i: int, j: int) -> Tensor:
        if not 0 <= i < n:                             # beyond an edge of the ball: the same edge, the other way round
            i, j = (-i if i < 0 else 2 * (n - 1) - i), n - 1 - j
        if not 0 <= j < n:
            i, j = n - 1 - i, (-j if j < 0 else 2 * (n - 1) - j)
        return s[:, :, i, j]

    border = 0 if form == "ball" else 1
    for i in range(border, n - border):
        for j in range(border, n - border):
            total = total + (at(i, j) - (at(i - 1, j) + at(i + 1, j) + at(i, j - 1) + at(i, j + 1)) / 4).pow(2).sum(1)
            count += 1
    return (total / count).mean()


def one_step(h: Hand, step: int, form: str) -> None:
    x = h.draw(step, "x")
    z, v = drawn(h, step, x)
    fake = picture(h, z, v)
    if step < 2:
        loss = F.softplus(-h.critic(x)).mean() + F.softplus(h.critic(h.constant(fake))).mean()
        if step % 8 == 0:
            moved = x.clone().requires_grad_()
            slope, = torch.autograd.grad(h.critic(moved).sum(), moved, create_graph=True)
            loss = loss + 40 * slope.pow(2).sum((1, 2, 3)).mean()
        h.move("critic", loss)
        s = h.generator(z).surface.points
        far = (s.norm(dim=1) - 1).clamp_min(0).pow(2).mean()
        h.move("generator", F.softplus(-h.critic(fake)).mean() + 10 * rough(s, form) + 10 * far)
    else:
        code = h.encoder(x)
        side, up, front = code[:, 5:].unbind(1)
        view = torch.stack([torch.atan2(side, front), torch.atan2(up, (side**2 + front**2).sqrt())], 1)
        known = h.encoder(h.constant(fake))
        truth = torch.stack([v[:, 0].sin() * v[:, 1].cos(), v[:, 1].sin(), v[:, 0].cos() * v[:, 1].cos()], 1)
        beyond = (view[:, 0].abs() - math.pi / 4).clamp_min(0).pow(2) + (
            view[:, 1].abs() - math.pi / 12).clamp_min(0).pow(2)
        h.move("encoder", (picture(h, code[:, :5], view) - x).abs().mean() + 10 * beyond.mean()
               + (known[:, :5] - z).pow(2).mean() + 10 * (known[:, 5:] - truth).pow(2).mean())


@pytest.mark.parametrize("form", ["sheet", "ball"])
def test_shape3d(players: Players, form: str) -> None:
    start, hand, careless = Hand(players), Hand(players), Hand(players, careless=True)
    for step in range(4):
        players.step(step)
        for h in (hand, careless):
            one_step(h, step, form)
    assert max(differences(players, hand).values()) < 1e-9
    moved = differences(players, start)
    assert all(moved[n] > 1e-5 for n in LEARNING), "every network should have moved"
    assert differences(players, careless)["generator"] > 1e-5, "gradients that went astray should show"
