"""Intrinsic faces as the paper's losses in a plain loop: the engine makes the same weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from by_hand import Hand, differences, players_of
from tiny_face_model import write_face_model
from torch import Tensor

from unbraid.engine import Players

WIDTHS = tuple(f"networks.{name}.width=4" for name in ("encoder", "paint", "relief", "behind", "cutout", "critic"))
SMALL = (*WIDTHS, "networks.encoder.bottleneck=6", "networks.critic.bottleneck=6", "data.batch=4", "data.split_by=null",
         "code={albedo: 5, normals: 6, light: 4, background: 3, matte: 2}", "data.source.size=16",
         "data.source.identities=2", "data.source.yaws=[0, 20]", "data.source.surroundings=2", "data.source.count=30",
         "data.source.backend=torch", "train.optimizer={type: adam, lr: 1.0e-3, betas: [0.9, 0.999]}")
LEARNING = ("encoder", "paint", "relief", "lamp", "behind", "cutout", "critic")
pytestmark = pytest.mark.usefixtures("double_precision")


@pytest.fixture
def players(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Players:
    monkeypatch.setenv("UNBRAID_FACE_MODEL", str(write_face_model(tmp_path / "tiny.npz")))
    return players_of({"base": "intrinsic-faces"}, *SMALL,
                      "players.critic.minimizes.energy='intrinsic_faces.tell_apart(critic(x), x, critic(image), image, "
                      "margin=0.2)'")


def irradiance(n: Tensor, light: Tensor) -> Tensor:
    """n^T M n / pi, pixel by pixel, by the polynomial of Ramamoorthi & Hanrahan (2001), eq. 13."""
    x, y, z = n.unsqueeze(1).unbind(2)                                                   # (B, 1, H, W)
    l00, l1m1, l10, l11, l2m2, l2m1, l20, l21, l22 = light[..., None, None].unbind(2)    # (B, 3, 1, 1)
    c1, c2, c3, c4, c5 = (torch.tensor(v) for v in CONSTANTS)
    e = (c1 * l22 * (x * x - y * y) + c3 * l20 * z * z + c4 * l00 - c5 * l20
         + 2 * c1 * (l2m2 * x * y + l21 * x * z + l2m1 * y * z) + 2 * c2 * (l11 * x + l1m1 * y + l10 * z))
    return e / torch.pi


CONSTANTS = tuple(float(v) for v in (                                    # to all digits: 0.429043, 0.511664, ...
    torch.pi / 4 * (15 / (4 * torch.pi)) ** 0.5 / 2, torch.pi * (3 / (4 * torch.pi)) ** 0.5 / 3,
    torch.pi / 4 * (5 / (16 * torch.pi)) ** 0.5 * 3, torch.pi * (1 / (4 * torch.pi)) ** 0.5,
    torch.pi / 4 * (5 / (16 * torch.pi)) ** 0.5))


def rough(v: Tensor) -> Tensor:
    return ((v[..., 1:] - v[..., :-1]).abs().sum() + (v[..., 1:, :] - v[..., :-1, :]).abs().sum()) / v.numel()


def made(h: Hand, x: Tensor) -> dict[str, Tensor]:
    a, n, light, b, m = h.encoder(x).split([5, 6, 4, 3, 2], 1)
    v = h.relief(n)
    away = torch.nn.functional.softplus(v[:, 2]) + 0.05
    normals = torch.stack([v[:, 0], v[:, 1], away], 1) / (v[:, 0] ** 2 + v[:, 1] ** 2 + away**2).sqrt()[:, None]
    albedo, behind, matte, light = h.paint(a), h.behind(b), h.cutout(m), h.lamp(light)
    shading = irradiance(normals, light).clamp_min(0)
    face = albedo * shading
    image = matte * face.clamp(0, 1) + (1 - matte) * behind
    return {"albedo": albedo, "normals": normals, "light": light, "matte": matte, "shading": shading, "face": face,
            "image": image}


def one_step(h: Hand, step: int) -> None:
    x, mask, fit, lit = (h.draw(step, "x", f) for f in (None, "mask", "rough_normals", "rough_harmonics"))
    v = made(h, x)
    fake = h.constant(v["image"])
    away = (h.critic(fake) - fake).pow(2).mean((1, 2, 3))
    h.move("critic", (h.critic(x) - x).pow(2).mean() + (0.2 - away).clamp_min(0).mean())
    white = (mask * v["shading"]).sum((0, 2, 3)) / mask.sum() - 0.75
    h.move("autoencoder", 4 * (mask * v["face"] - mask * x).pow(2).mean() + 2 * (v["image"] - x).abs().mean()
           + 0.2 * rough(mask * v["albedo"]) + 0.2 * (mask * v["normals"] - mask * (2 * fit - 1)).pow(2).mean()
           + 0.2 * rough(mask * v["normals"]) + 5 * sum((v["light"][:, c] - lit[:, c]).pow(2).mean() for c in range(3))
           + 0.5 * white.pow(2).sum() + 5 * (v["matte"] - mask).abs().mean() + 2 * rough(v["matte"])
           + (h.critic(v["image"]) - v["image"]).pow(2).mean())


def test_intrinsic_faces(players: Players) -> None:
    start, hand, careless = Hand(players), Hand(players), Hand(players, careless=True)
    for step in range(3):
        players.step(step)
        for h in (hand, careless):
            one_step(h, step)
    assert max(differences(players, hand).values()) < 1e-9
    moved = differences(players, start)
    assert all(moved[n] > 1e-5 for n in LEARNING), "every network should have moved"
    assert differences(players, careless)["paint"] > 1e-5, "gradients that went astray should show"
