"""Barycentrics of pixels in their faces, with their gradient."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from unbraid_plugins.opengl.numerics.rows import columns

TINY = 1e-14                                       # of twice an area in clip coordinates, seen from the pixel
FARTHEST = 2.0                                     # OpenGL may paint a sliver beyond its border


def barycentrics(place: tuple[Tensor, Tensor, Tensor], face: Tensor, clip: Tensor, faces: Tensor, height: int,
                 width: int, *, farthest: float = FARTHEST) -> Tensor:
    """Return perspective-correct barycentrics (N, 3) of pixels in faces (N,).

    place: the pixels' images, rows and columns, (N,) each.
    faces: (F, 3).
    farthest: the largest value that is allowed.

    Gradients reach the clip coordinates (B, V, 4), of x, y and w; once.
    """
    sample, row, column = place
    x, y = (2 * column + 1).to(clip.dtype) / width - 1, 1 - (2 * row + 1).to(clip.dtype) / height
    corners = corners_of(sample, face, clip.shape[1], faces)
    return _Barycentrics.apply(clip, x, y, corners, farthest)                  


def depths(pixel: Tensor, face: Tensor, clip: Tensor, faces: Tensor, height: int, width: int) -> Tensor:
    """Return z / w in [-1, 1] of faces (N,) at pixels (N,), numbered among B * H * W; no gradient."""
    sample = pixel // (height * width)
    place = pixel - sample * (height * width)
    row = place // width
    corners = columns(faces, face) + clip.shape[1] * sample
    x, y, z, w = columns(clip.detach().reshape(-1, 4), corners.flatten()).reshape(4, 3, -1)
    u = x - ((2 * (place - row * width) + 1).to(x.dtype) / width - 1) * w
    v = y - (1 - (2 * row + 1).to(y.dtype) / height) * w
    areas = torch.linalg.cross(u, v, dim=0)
    whole = areas.sum(0)
    shares = (areas / whole).clamp(1 - FARTHEST, FARTHEST).where(whole.abs() > TINY, 1 / 3)
    z, w = (shares * z).sum(0), (shares * w).sum(0)
    return (z / w.where(w.abs() > TINY, 1)).clamp(-1, 1)


class _Barycentrics(torch.autograd.Function):
    """Barycentrics b, the solution of M b = (0, 0, 1) with M = [u; v; 1].

    Here u_i = x_i - x w_i and v_i = y_i - y w_i for a pixel at (x, y). So b_i = (u_j v_k - u_k v_j) / det M, relative
    to the pixel: nothing large cancels. And d b = - M^-1 dM b: with l = M^-T g for a gradient g, those of u_i and v_i
    are -l_u b_i and -l_v b_i (and that of w_i is (x l_u + y l_v) b_i).
    """

    @staticmethod
    def forward(ctx: Any, clip: Tensor, x: Tensor, y: Tensor, corners: Tensor, farthest: float) -> Tensor:
        at = [t.unbind(1) for t in functional.embedding(corners, clip.reshape(-1, 4)).unbind(1)]
        u, v = [cx - x * cw for cx, _, _, cw in at], [cy - y * cw for _, cy, _, cw in at]
        areas = [u[i - 2] * v[i - 1] - u[i - 1] * v[i - 2] for i in range(3)]
        whole = areas[0] + areas[1] + areas[2]
        flat_face = whole.abs() < TINY
        one = torch.where(flat_face, 0, 1 / whole)
        b = torch.stack(areas, 1).mul_(one[:, None])
        inside = (b.abs().amax(1) <= farthest) & ~flat_face                 # beyond, the gradient stops
        if not inside.all():
            b = torch.where(flat_face[:, None], 1 / 3, b).clamp(1 - farthest, farthest)
            one = one * inside
        ctx.save_for_backward(corners, b, one, x, y, *u, *v)
        ctx.shape = clip.shape
        return b

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        corners, b, one, x, y, u0, u1, u2, v0, v1, v2 = ctx.saved_tensors
        g0, g1, g2 = slope.unbind(1)
        along_u = ((v2 - v1) * g0 + (v0 - v2) * g1 + (v1 - v0) * g2) * one        # minus l_u, minus l_v
        along_v = ((u1 - u2) * g0 + (u2 - u0) * g1 + (u0 - u1) * g2) * one
        rows = torch.stack([along_u, along_v, torch.zeros_like(x), -(x * along_u + y * along_v)], 1)
        total = slope.new_zeros(ctx.shape[0] * ctx.shape[1], 4)
        for i in range(3):
            total.index_add_(0, corners[:, i], rows * b[:, i:i + 1])
        return total.reshape(ctx.shape), None, None, None, None


def corners_of(sample: Tensor, face: Tensor, count: int, faces: Tensor) -> Tensor:
    """Return the vertices of faces (N,) in images (N,), numbered among B * count: (N, 3).  faces: (F, 3)."""
    return functional.embedding(face, faces) + count * sample[:, None]
