"""Coarse labels where nobody fitted a face: an oval in the middle of an aligned image, and the normals of a ball."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid import operation


@operation
def oval(x: Tensor, *, width: float = 0.6, height: float = 0.8) -> Tensor:
    """Mask of an oval in the middle of images, where aligned faces lie.

    x: (B, C, H, W).
    width, height: of the oval, as shares of the image.

    Returns (B, 1, H, W), 1 inside and 0 outside.
    """
    across, down = _places(x, width, height)
    return (across.square() + down.square() < 1).to(x.dtype).expand(len(x), 1, -1, -1)


@operation
def ball(x: Tensor, *, width: float = 0.6, height: float = 0.8) -> Tensor:
    """Normals of half a ball that bulges from the oval; outside they are 0.

    x: (B, C, H, W).
    width, height: of the oval, as shares of the image.

    Returns unit vectors (B, 3, H, W), x right, y up, z to the camera.
    """
    across, down = _places(x, width, height)
    toward = (1 - across.square() - down.square()).clamp_min(0).sqrt()
    inside = across.square() + down.square() < 1
    normals = torch.cat(torch.broadcast_tensors(across, -down, toward), 1) * inside
    return normals.to(x.dtype).expand(len(x), -1, -1, -1)


def _places(x: Tensor, width: float, height: float) -> tuple[Tensor, Tensor]:
    """Return the places of columns (1, 1, 1, W) and rows (1, 1, H, 1); the oval's border has distance 1."""
    rows, columns = x.shape[2:]
    across = (torch.arange(columns, device=x.device) + 0.5) / columns * 2 - 1
    down = (torch.arange(rows, device=x.device) + 0.5) / rows * 2 - 1
    return (across / width)[None, None, None], (down / height)[None, None, :, None]
