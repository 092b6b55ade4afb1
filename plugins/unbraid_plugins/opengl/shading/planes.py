"""Attributes of faces in perspective, as ratios of two planes over the screen (Heckbert 1989).

They are less work than barycentrics where many pixels see the same faces: the nonlinear part is done once per face.
"""

from __future__ import annotations

from typing import Any

import attrs
import torch
from torch import Tensor

from unbraid_plugins.opengl.numerics.pixels import covered
from unbraid_plugins.opengl.numerics.rows import columns

THIN = 1 / 256                                     # pixels, to which OpenGL rounds corners; thinner faces are uncertain


@attrs.frozen(eq=False)
class Planes:
    """The N covered pixels of a batch, and the R faces that they see.

    pixel: (N,), their places among B * H * W.
    sample: (N,), their images.
    row: (N,), the number of their face among the R faces.
    x, y: (N,), in half widths and heights of the image from the first corner of that face.
    face, image: (R,).
    areas: (3, 3, R), the planes 1, x, y of the three corners' shares, with gradients to the clip coordinates.
    """

    pixel: Tensor
    sample: Tensor
    row: Tensor
    x: Tensor
    y: Tensor
    face: Tensor
    image: Tensor
    areas: Tensor

    @property
    def of_pixels(self) -> Tensor:
        """The faces of the pixels, (N,)."""
        return self.face.index_select(0, self.row)

    def interpolated(self, attributes: Tensor, faces: Tensor, known: Tensor | None = None) -> Tensor:
        """Interpolate attributes (B or 1, V, C) of the corners faces (F, 3) -> (N, C); differentiable once.

        known: (C, N), the values, where they are known already.
        """
        batch, count, channels = attributes.shape
        corners = columns(faces, self.face) + (count * self.image if batch > 1 else 0)
        at = columns(attributes.reshape(-1, channels), corners.flatten()).reshape(channels, 1, 3, -1)
        tops = (self.areas * at).sum(2)
        planes = torch.cat([self.areas.sum(1)[None], tops])
        return _Ratios.apply(planes, self.row, self.x, self.y, known)               


def planes(ids: Tensor, clip: Tensor, faces: Tensor) -> Planes:
    """Return the covered pixels of ids (B, H, W), for clip coordinates (B, V, 4) and faces (F, 3).

    A pixel at (x, y) has the share b_i = (u_j v_k - u_k v_j) / sum of corner i, with u = X - x W and v = Y - y W: the
    products x y cancel. A face thinner than OpenGL's rounding has equal shares of its corners everywhere.
    """
    height, width = ids.shape[1:]
    pixel, sample = covered(ids)
    key = ids.flatten().index_select(0, pixel) + len(faces) * sample
    used = torch.zeros(len(clip) * len(faces), dtype=torch.bool, device=ids.device).index_fill_(0, key, True)
    row = (used.cumsum(0) - 1).index_select(0, key)
    which = used.nonzero().squeeze(1)
    image, face = which // len(faces), which % len(faces)
    corners = columns(faces, face) + clip.shape[1] * image
    at = columns(clip.reshape(-1, 4), corners.flatten()).reshape(4, 3, -1)
    centre = (at[:2, 0] / at[3, 0]).detach().nan_to_num(0, 0, 0).clamp(-1, 1)
    corner = torch.cat([at[3:], at[:2] - centre[:, None] * at[3]])          # w, u, v
    areas = _Cofactors.apply(corner)
    areas = areas.where(~_thin(corner.detach(), height, width), areas.new_tensor([[1], [0], [0]])[..., None])
    right, down = ((2 * torch.arange(n, device=ids.device) + 1).to(clip.dtype) / n - 1 for n in (width, height))
    x, y = (t.expand(ids.shape).flatten().index_select(0, pixel) - c.index_select(0, row)
            for t, c in zip((right, -down[:, None]), centre, strict=True))
    return Planes(pixel, sample, row, x, y, face, image, areas)


def _thin(corner: Tensor, height: int, width: int) -> Tensor:
    """Return whether faces are thinner than OpenGL's rounding, (R,).  corner: their corners' w, u and v, (3, 3, R)."""
    x, y = corner[1] / corner[0] * (width / 2), corner[2] / corner[0] * (height / 2)
    across, down = x - x.roll(-1, 0), y - y.roll(-1, 0)
    area = across[0] * down[1] - across[1] * down[0]
    longest = (across.square() + down.square()).amax(0)
    return (area.square() < THIN**2 * longest) | (area == 0)


class _Cofactors(torch.autograd.Function):
    """The cofactors of matrices (3, 3, R): for every row and column, the determinant of the next two of both."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        m = _around(matrix)
        ctx.save_for_backward(m)
        return torch.addcmul(m[1:4, 1:4] * m[2:, 2:], m[2:, 1:4], m[1:4, 2:], value=-1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        m, = ctx.saved_tensors
        s = _around(slope)
        found = (s[1:4, 1:4] * m[2:, 2:]).addcmul_(m[1:4, 1:4], s[2:, 2:])
        return found.addcmul_(s[2:, 1:4], m[1:4, 2:], value=-1).addcmul_(m[2:, 1:4], s[1:4, 2:], value=-1)


def _around(matrix: Tensor) -> Tensor:
    """Return matrices (3, 3, R) with their first two rows and columns repeated at the end, (5, 5, R)."""
    wide = torch.cat([matrix, matrix[:, :2]], 1)
    return torch.cat([wide, wide[:2]])


class _Ratios(torch.autograd.Function):
    """The values of planes (1 + C, 3, R) at places x, y (N,), each divided by the first plane's: (N, C)."""

    @staticmethod
    def forward(ctx: Any, planes: Tensor, row: Tensor, x: Tensor, y: Tensor, known: Tensor | None) -> Tensor:
        whole, *tops = (torch.addcmul(one.index_select(0, row), right.index_select(0, row), x)
                        .addcmul_(down.index_select(0, row), y)
                        for one, right, down in (planes if known is None else planes[:1]))
        values = torch.stack(tops).div_(whole) if known is None else known
        ctx.count = planes.shape[2]
        ctx.save_for_backward(values, whole, row, x, y)
        return values.T

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        values, whole, row, x, y = ctx.saved_tensors
        tops = [s / whole for s in slope.T]
        first = tops[0] * values[0]
        for s, v in zip(tops[1:], values[1:], strict=True):
            first.addcmul_(s, v)
        found = slope.new_zeros(1 + len(tops), 3, ctx.count)
        for planes, s in zip(found, [first.neg_(), *tops], strict=True):
            for plane, part in zip(planes, (s, s * x, s * y), strict=True):
                plane.scatter_add_(0, row, part)
        return found, None, None, None, None
