"""Face numbers by OpenGL: one draw per chunk of a batch."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from unbraid import UnbraidError
from unbraid_plugins.opengl.gl_context import screen
from unbraid_plugins.opengl.shaders import numbers

CHUNK = 2**20                                      # pixels per draw: more would leave the processor's cache


def rasterize_gl(clip: Tensor, faces: Tensor, height: int, width: int, cull: bool) -> Tensor:
    """Like `rasterize`, for tensors on any device."""
    ids = torch.zeros(len(clip), height, width, 1, dtype=torch.int32)
    if ids.numel() and len(faces) and clip.shape[1]:
        corners, faces = clip.detach().to("cpu", torch.float32), faces.to("cpu", torch.int32)
        out = leaving(corners)
        shaders = numbers(*["LEAVING"] * out)
        for part in chunks(len(clip), height, width):
            points = corners[part]
            screen().paint(shaders, sizes(points, faces), {"corner": points.reshape(-1, 4).contiguous()},
                           order(points, faces), {"u4": [ids[part]]}, cull=cull, leaving=out)
    return ids[..., 0].to(clip.device, torch.int64) - 1


def chunks(batch: int, height: int, width: int) -> Iterator[slice]:
    """Parts of a batch that are drawn at a time.  Raises UnbraidError for images that OpenGL can't draw here."""
    largest = screen().largest
    if max(height, width) > largest:
        raise UnbraidError(f"an image of {height} x {width} is too large: OpenGL draws up to {largest} here",
                           hint="make the image smaller, or say  backend: torch")
    step = max(1, min(CHUNK // (height * width), largest // height))
    return (slice(start, min(start + step, batch)) for start in range(0, batch, step))


def leaving(corners: Tensor) -> bool:
    """Whether any corner (B, V, 4) lies above or below its image: such faces have to be clipped, which takes time."""
    return not bool((corners[..., 1].abs() <= corners[..., 3]).all())


def sizes(corners: Tensor, faces: Tensor) -> dict[str, float]:
    """How many vertices, images and faces there are, as the shaders want it."""
    return {"vertices": corners.shape[1], "images": float(len(corners)), "faces": len(faces)}


def order(corners: Tensor, faces: Tensor) -> Tensor:
    """The vertices of all faces of a batch (B, V, 4), (B * F, 3) int32; faces that are not finite become points."""
    batch, count = corners.shape[:2]
    index = faces + count * torch.arange(batch, dtype=torch.int32)[:, None, None]
    if not corners.sum().isfinite():               # one sum is cheaper than the tests, which then have to be made
        index = index * corners.isfinite().all(-1)[:, faces.long()].all(-1)[..., None]
    return index.reshape(-1, 3).contiguous()
