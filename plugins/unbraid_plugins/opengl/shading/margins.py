"""Margins around faces, in which a face fades out as in the authors' renderer (Szabó & Favaro 2018)."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from unbraid_plugins.opengl.scene.topology import Topology
from unbraid_plugins.opengl.shading.fragments import Fragments

CHUNK = 2**20                                      # pairs of a face and a pixel at a time
NOTHING = 2**63 - 1


@attrs.frozen(eq=False)
class Margin:
    """The M pixels that see a margin.

    front: their places in faces, as tips; it has no pixels.
    pixel: (M,), among B * H * W, each once.
    alpha: (M,) in (0, 1), with gradients to the clip coordinates, as the barycentrics have.
    """

    front: Fragments
    pixel: Tensor
    alpha: Tensor


def margin(crisp: Fragments, clip: Tensor, away: Tensor, topology: Topology, width: float, *, cull: bool) -> Margin:
    """Find the nearest margins in front of the crisp image: at d pixels from a face, alpha = 1 - d / width.

    crisp: the fragments that the pixels see.
    away: (B, V), the distance of vertices from the camera along its axis.
    width: of the margin, in pixels.

    A margin has the depth away + away d / (2 width) at the point of the face that is nearest in the image, so it lies
    behind faces beside it. Faces with a vertex behind the camera have no margin, nor have the parts that the near or
    the far plane cuts off.
    """
    batch, height, columns = crisp.ids.shape
    with torch.no_grad():
        count = len(topology.faces)
        index = topology.faces[None] + clip.shape[1] * torch.arange(batch, device=clip.device)[:, None, None]
        corners = index.reshape(-1, 3)
        flat = clip.detach().reshape(-1, 4)
        placed = _placed(flat, height, columns)
        points = placed[corners]
        area = _cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])     # below 0 if seen from outside
        kept = (flat[:, 3] > 0)[corners].all(1) & points.isfinite().all(-1).all(1)
        kept &= area < 0 if cull else area != 0
        low = (points.amin(1) - width - 0.5).ceil().clamp_min(0)
        high = torch.minimum((points.amax(1) + width - 0.5).floor(), low.new_tensor([columns - 1, height - 1]))
        across, down = (high - low + 1).clamp_min(0).where(kept[:, None], low.new_zeros(())).long().unbind(1)
        number, owners = across * down, (across * down > 0).nonzero().squeeze(1)
        deep = away.new_full((crisp.ids.numel(),), torch.inf)
        deep[crisp.pixel] = crisp.interpolated(away.detach()[..., None], topology.faces)[:len(crisp.pixel), 0]
        nearest = torch.full((crisp.ids.numel(),), NOTHING, device=clip.device)
        for part in _parts(number[owners]):
            face = torch.repeat_interleave(owners[part], number[owners[part]])
            step = torch.arange(len(face), device=face.device)
            step = step - (number[owners[part]].cumsum(0) - number[owners[part]]).repeat_interleave(
                number[owners[part]])
            column, row = (low[face, i].long() + s for i, s in ((0, step % across[face]), (1, step // across[face])))
            pixel = (face // count * height + row) * columns + column
            distance, barycentrics = _nearest(flat, corners[face], column, row, height, columns)
            z = (barycentrics * away.detach().flatten()[corners[face]]).sum(1) * (1 + distance / (2 * width))
            deepness, w = ((barycentrics * flat[:, i][corners[face]]).sum(1) for i in (2, 3))
            good = (distance > 0) & (distance < width) & (z < deep[pixel]) & (deepness.abs() <= w)
            key = (z.clamp_min(0).float().view(torch.int32).long() << 32) + face % count      # floats sort as integers
            nearest.scatter_reduce_(0, pixel[good], key[good], "amin")
        pixel = (nearest != NOTHING).nonzero().squeeze(1)
        face, place = nearest[pixel] % 2**32, pixel % (height * columns)
        sample = pixel // (height * columns)
    corners = topology.faces[face] + clip.shape[1] * sample[:, None]
    distance, barycentrics = _nearest(clip.reshape(-1, 4), corners, place % columns, place // columns, height, columns)
    front = Fragments(crisp.ids, pixel[:0], sample, face, barycentrics)
    return Margin(front, pixel, 1 - distance / width)


def _placed(clip: Tensor, height: int, width: int) -> Tensor:
    """Return column and row in pixels, from the upper left corner, of clip coordinates (N, 4): (N, 2)."""
    return torch.stack([(clip[:, 0] / clip[:, 3] + 1) * (width / 2), (1 - clip[:, 1] / clip[:, 3]) * (height / 2)], 1)


def _nearest(clip: Tensor, corners: Tensor, column: Tensor, row: Tensor, height: int, width: int,
             ) -> tuple[Tensor, Tensor]:
    """Return the distance in pixels to a face's nearest point in the image, 0 within it, and its barycentrics."""
    at = [clip[corners[:, i]] for i in range(3)]
    points = [_placed(t, height, width) for t in at]
    pixel = torch.stack([column, row], 1).to(clip.dtype) + 0.5
    found, shares, signs = [], [], []
    for i in range(3):
        a, b = points[i], points[i - 2]
        along = b - a
        share = (((pixel - a) * along).sum(1) / along.square().sum(1).clamp_min(1e-12)).clamp(0, 1)
        found.append((pixel - a - share[:, None] * along).square().sum(1))
        shares.append(share)
        signs.append(_cross(along.detach(), (pixel - a).detach()))
    which = torch.stack(found).detach().argmin(0)
    share = torch.stack(shares).gather(0, which[None])[0]
    square = torch.stack(found).gather(0, which[None])[0]
    sign = torch.stack(signs)
    inside = (sign >= 0).all(0) | (sign <= 0).all(0)
    distance = square.where(~inside & (square > 0), square.new_ones(())).sqrt() * (~inside & (square > 0))
    ends = torch.nn.functional.one_hot(which, 3).to(share), torch.nn.functional.one_hot((which + 1) % 3, 3).to(share)
    weights = ends[0] * (1 - share)[:, None] + ends[1] * share[:, None]
    weights = weights / torch.stack([t[:, 3] for t in at], 1)
    return distance, weights / weights.sum(1, keepdim=True)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _parts(number: Tensor) -> list[slice]:
    """Return runs of items that have about CHUNK pairs together."""
    part = (number.cumsum(0) - number) // CHUNK
    _, sizes = torch.unique_consecutive(part, return_counts=True)
    ends = sizes.cumsum(0).tolist()
    return [slice(start, stop) for start, stop in zip([0, *ends], ends, strict=False)]
