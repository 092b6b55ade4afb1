"""Discs, limbs and boxes of joints, drawn with gradients to the joints."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

Size = tuple[int, int]


def in_pixels(joints: Tensor, size: Size) -> tuple[Tensor, Tensor, Tensor]:
    """Return rows and columns of joints (B, n, 3) in pixels from the top left edge, and their visibility; (B, n)."""
    rows, columns, visible = joints.unbind(-1)
    return 0.5 * (rows + 1) * size[0], 0.5 * (columns + 1) * size[1], visible


def discs(joints: Tensor, size: Size, radius: float) -> Tensor:
    """Return a disc of this radius in pixels around every visible joint.

    joints: (B, n, 3).  Returns (B, n, H, W) in [0, 1]: 1 inside, 0 outside, with an edge that is one pixel wide.
    """
    rows, columns, visible = in_pixels(joints, size)
    down, across = _centres(size, joints)
    squared = (down - rows[..., None, None]).square() + (across - columns[..., None, None]).square()
    return _inside(squared, radius) * visible[..., None, None]


def limb_mask(joints: Tensor, limbs: Sequence[tuple[int, int]], size: Size, radius: float, closing: int) -> Tensor:
    """Return the mask of a person: discs of joints and strips of limbs with both ends visible, then a closing.

    radius: of discs, and half the width of strips, in pixels.
    closing: the side of the square by which gaps are closed, an odd number of pixels.

    joints: (B, n, 3).  Returns (B, 1, H, W) in [0, 1].
    """
    rows, columns, visible = in_pixels(joints, size)
    first, second = (torch.tensor(ends, device=joints.device) for ends in zip(*limbs, strict=True))
    down, across = _centres(size, joints)
    (y, x), (to_y, to_x) = ([v[:, ends, None, None] for v in (rows, columns)] for ends in (first, second))
    step_y, step_x = to_y - y, to_x - x
    along = ((down - y) * step_y + (across - x) * step_x) / (step_y.square() + step_x.square()).clamp_min(1e-6)
    along = along.clamp(0, 1)
    squared = (down - y - along * step_y).square() + (across - x - along * step_x).square()
    strips = _inside(squared, radius) * (visible[:, first] * visible[:, second])[..., None, None]
    drawn = torch.cat([discs(joints, size, radius), strips], 1).amax(1, keepdim=True)
    wide = max_pool2d(drawn, closing, stride=1, padding=closing // 2)
    return -max_pool2d(-wide, closing, stride=1, padding=closing // 2)


def part_boxes(joints: Tensor, parts: Sequence[Sequence[int]], size: Size, margin: float, alone: float
               ) -> tuple[Tensor, Tensor]:
    """Return the box of every part's visible joints with a margin, and whether the part is visible.

    margin, alone: pixels around the joints, and around one that is the only visible one of its part.

    joints: (B, n, 3).  Returns boxes (B, parts, 4) in pixels, left, top, right, bottom, within the image; and (B,
    parts) zeros and ones. The box of a part without a visible joint is the whole image.
    """
    rows, columns, visible = (v.detach() for v in in_pixels(joints, size))
    member = torch.zeros(len(parts), joints.shape[1], dtype=torch.bool, device=joints.device)
    for number, part in enumerate(parts):
        member[number, list(part)] = True
    seen = member & (visible > 0.5)[:, None]                                        # (B, parts, n)
    count = seen.sum(-1)
    around = torch.where(count == 1, alone, margin).to(joints.dtype)
    sides = []
    for along, length in ((columns, size[1]), (rows, size[0])):
        place = along[:, None].expand(seen.shape)
        low = torch.where(seen, place, torch.inf).amin(-1) - around
        high = torch.where(seen, place, -torch.inf).amax(-1) + around
        low, high = low.clamp(0, length - 1), high.clamp(1, length)
        sides.append((torch.where(count > 0, low, 0), torch.where(count > 0, high, length)))
    (left, right), (top, bottom) = sides
    return torch.stack([left, top, right, bottom], -1), (count > 0).to(joints.dtype)


def _centres(size: Size, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows (H, 1) and columns (1, W) of the centres of pixels."""
    down, across = (torch.arange(n, dtype=like.dtype, device=like.device) + 0.5 for n in size)
    return down[:, None], across


def _inside(squared: Tensor, radius: float) -> Tensor:
    return (radius + 0.5 - squared.clamp_min(1e-6).sqrt()).clamp(0, 1)
