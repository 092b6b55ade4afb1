"""Meshes that tests know: an icosphere with bumps, and squares."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def icosphere(level: int) -> tuple[Tensor, Tensor]:
    """Vertices (V, 3) on the unit sphere and faces (20 * 4^level, 3), counter-clockwise from outside."""
    g = (1 + math.sqrt(5)) / 2
    points = [(-1, g, 0), (1, g, 0), (-1, -g, 0), (1, -g, 0), (0, -1, g), (0, 1, g), (0, -1, -g), (0, 1, -g),
              (g, 0, -1), (g, 0, 1), (-g, 0, -1), (-g, 0, 1)]
    v = torch.tensor(points, dtype=torch.float64)
    near = torch.cdist(v, v).sub(2).abs() < 1e-6
    f = [(a, b, c) for a in range(12) for b in range(a + 1, 12) for c in range(b + 1, 12)
         if near[a, b] and near[b, c] and near[a, c]]
    f = torch.tensor([t if torch.linalg.det(v[list(t)]) > 0 else (t[0], t[2], t[1]) for t in f])
    v = v / v.norm(dim=1, keepdim=True)
    for _ in range(level):
        sides = torch.stack([f, f.roll(-1, 1)], -1).reshape(-1, 2).sort(1).values
        edges, of = torch.unique(sides, dim=0, return_inverse=True)
        m = len(v) + of.reshape(-1, 3)
        v = torch.cat([v, torch.nn.functional.normalize(v[edges].sum(1), dim=1)])
        f = torch.cat([torch.stack([f[:, i], m[:, i], m[:, i - 1]], 1) for i in range(3)] + [m])
    return v, f


def bumpy(level: int) -> tuple[Tensor, Tensor]:
    """An icosphere with smooth bumps."""
    v, f = icosphere(level)
    bump = 1 + 0.15 * torch.sin(4 * v[:, :1] + 1) * torch.cos(3 * v[:, 1:2]) + 0.1 * torch.sin(5 * v[:, 2:] + v[:, :1])
    return v * bump * 0.8, f


def square(size: float, z: float = 0.0, centre: tuple[float, float] = (0.0, 0.0)) -> tuple[Tensor, Tensor]:
    """A square of half side `size` that faces +z."""
    v = torch.tensor([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=torch.float64) * size + torch.tensor(centre)
    return torch.cat([v, torch.full((4, 1), z, dtype=v.dtype)], 1), torch.tensor([[0, 1, 2], [0, 2, 3]])
