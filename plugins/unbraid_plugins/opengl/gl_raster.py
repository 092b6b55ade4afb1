"""Face numbers by OpenGL: one draw per chunk of a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid import UnbraidError
from unbraid_plugins.opengl.gl_context import screen

CHUNK = 2**20                                      # pixels per draw: more would leave the processor's cache


def rasterize_gl(clip: Tensor, faces: Tensor, height: int, width: int, cull: bool) -> Tensor:
    """Like `rasterize`, for tensors on any device."""
    ids = torch.empty(len(clip), height, width, dtype=torch.int32)
    if not (ids.numel() and len(faces) and clip.shape[1]):
        return ids.fill_(-1).to(clip.device, torch.int64)
    corners = clip.detach().to("cpu", torch.float32)
    faces = faces.to("cpu", torch.int32)
    largest = screen().largest
    if max(height, width) > largest:
        raise UnbraidError(f"an image of {height} x {width} is too large: OpenGL draws up to {largest} here",
                           hint="make the image smaller, or say  backend: torch")
    step = max(1, min(CHUNK // (height * width), largest // height))
    for start in range(0, len(clip), step):
        _draw(corners[start:start + step], faces, ids[start:start + step], cull)
    return ids.to(clip.device, torch.int64) - 1


def _draw(corners: Tensor, faces: Tensor, ids: Tensor, cull: bool) -> None:
    """Write face numbers + 1, or 0, into `ids` (B, H, W)."""
    batch, height, width = ids.shape
    ours = screen()
    count = corners.shape[1]
    index = faces + count * torch.arange(batch, dtype=torch.int32)[:, None, None]
    finite = corners.isfinite().all(-1)
    if not finite.all():
        index = index * finite[:, faces.long()].all(-1)[..., None]     # one point: a face without an area
    with ours.context as context:
        target = ours.framebuffer(width, batch * height)
        ours.program["vertices"], ours.program["images"], ours.program["faces"] = count, float(batch), len(faces)
        points = context.buffer(corners.contiguous().numpy())
        order = context.buffer(index.contiguous().numpy())
        array = context.vertex_array(ours.program, [(points, "4f", "corner")], index_buffer=order)
        try:
            target.use()
            target.clear()
            context.enable_only(context.DEPTH_TEST | (context.CULL_FACE if cull else 0))
            context.front_face = "cw"              # y points down
            array.render()
            target.read_into(ids.numpy(), components=1, dtype="u4", alignment=1)
        finally:
            for part in (array, order, points):
                part.release()
