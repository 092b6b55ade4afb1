"""Numbers of faces by OpenGL: one draw per chunk of a batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from unbraid import UnbraidError
from unbraid_plugins.opengl.raster.gl_context import screen
from unbraid_plugins.opengl.raster.shaders import numbers
from unbraid_plugins.opengl.scene.topology import by_last_corner

CHUNK = 2**20                                      # pixels per draw: more would leave the processor's cache


def rasterize_gl(clip: Tensor, faces: Tensor, height: int, width: int, cull: bool) -> Tensor:
    """Find the faces like `rasterize`, for tensors on any device."""
    seen = torch.zeros(len(clip), height, width, 1, dtype=torch.int32, device=clip.device)
    if seen.numel() and len(faces) and clip.shape[1]:
        points = clip.detach().float()
        out = leaving(points)
        vertex, faces = by_last_corner(faces.to(clip.device), clip.shape[1])
        corners, shaders = points.index_select(1, vertex), numbers(*["LEAVING"] * out)
        for part in chunks(seen):
            here = corners[part]
            screen(clip.device).paint(shaders, sizes(here), {"corner": here.reshape(-1, 4)}, order(here, faces),
                                      {"face": seen[part]}, cull=cull, leaving=out)
    return seen[..., 0].to(torch.int64) - 1


def chunks(seen: Tensor) -> Iterator[slice]:
    """Return the slices of a batch (B, H, W, C) that are drawn at a time.  Raises UnbraidError for too large images."""
    batch, height, width, _ = seen.shape
    largest = screen(seen.device).largest
    if max(height, width) > largest:
        raise UnbraidError(f"an image of {height} x {width} is too large: OpenGL draws up to {largest} here",
                           hint="make the image smaller, or say  backend: torch")
    step = max(1, min(CHUNK // (height * width), largest // height))
    return (slice(start, min(start + step, batch)) for start in range(0, batch, step))


def leaving(corners: Tensor) -> bool:
    """Return whether any corner (B, V, 4) lies above or below its image: such faces need clipping, which takes time."""
    return not bool((corners[..., 1].abs() <= corners[..., 3]).all())


def sizes(corners: Tensor) -> dict[str, float]:
    """Return the number of corners (B, R, 4) per image and the number of images, as the shaders want them."""
    return {"rows": corners.shape[1], "images": float(len(corners))}


def order(corners: Tensor, faces: Tensor, front: Tensor | None = None) -> Tensor:
    """Return the corners of all faces of a batch (B, R, 4), (N, 3) int32; faces that are not finite become points.

    front: (B, F), the faces to draw, or all.
    """
    batch, count = corners.shape[:2]
    index = faces + count * torch.arange(batch, dtype=torch.int32, device=corners.device)[:, None, None]
    if not corners.sum().isfinite():               # one sum is cheaper than the tests, which are made only then
        index = index * corners.isfinite().all(-1)[:, faces.long()].all(-1)[..., None]
    index = index.reshape(-1, 3)
    if front is None:
        return index
    if index.device.type != "cpu":
        return index[front.reshape(-1)]
    return torch.from_numpy(np.take(index.numpy(), np.flatnonzero(front.numpy()), axis=0))     # six times as fast
