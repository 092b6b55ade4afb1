"""The face that a pixel sees, as an operator of torch, drawn by OpenGL or by torch itself."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from unbraid import UnbraidError
from unbraid_plugins.opengl.raster.gl_context import screen, why_not
from unbraid_plugins.opengl.raster.gl_raster import rasterize_gl
from unbraid_plugins.opengl.raster.torch_raster import rasterize_torch

Backend = Literal["auto", "gl", "torch"]


def rasterize(clip: Tensor, faces: Tensor, size: tuple[int, int], *, cull: bool = False,
              backend: Backend = "auto") -> Tensor:
    """Return the nearest face at the centre of every pixel, (B, H, W) int64; -1 without a face.  No gradient.

    clip: (B, V, 4) clip coordinates.
    faces: (F, 3).
    size: (H, W).
    cull: leave out faces that are clockwise in the image.
    backend: gl, torch, or auto.

    The backend auto is OpenGL where it is available, for CUDA's tensors on a graphics card only, and torch otherwise.
    Both see the same, except on a face's border, where OpenGL rounds vertices to a fraction of a pixel. Faces with a
    vertex that is not finite are left out.

    Raises UnbraidError for wrong shapes and unknown backends.
    """
    if clip.ndim != 3 or clip.shape[2] != 4 or faces.ndim != 2 or faces.shape[1] != 3:
        raise UnbraidError(f"rasterize got clip {tuple(clip.shape)} and faces {tuple(faces.shape)}",
                           hint="expected (B, V, 4) and (F, 3)")
    # to call an operator of Python imports torch's compiler, which takes a second; torch.func and tracing need it
    plain = (type(clip.detach()) is Tensor and not clip.is_meta and not torch.compiler.is_compiling()
             and not is_functorch_wrapped_tensor(clip))
    return (_face_ids if plain else face_ids)(clip.detach(), faces, size[0], size[1], cull, backend)


def chosen(backend: str, device: torch.device) -> str:
    """Return the backend that `auto` means on a device, or the named one.  Raises UnbraidError for an unknown name."""
    if backend not in get_args(Backend):
        raise UnbraidError(f"no backend {backend!r}", hint=f"there are {', '.join(get_args(Backend))}")
    if backend != "auto":
        return backend
    able = device.type in ("cpu", "cuda") and not why_not(device)
    return "gl" if able and (device.type == "cpu" or not screen(device).software) else "torch"


def _face_ids(clip: Tensor, faces: Tensor, height: int, width: int, cull: bool, backend: str) -> Tensor:
    if faces.numel() and not 0 <= int(faces.min()) <= int(faces.max()) < clip.shape[1]:
        raise UnbraidError(f"a face has a vertex {int(faces.max())}, and there are {clip.shape[1]}",
                           hint="faces count vertices from 0")
    draws = rasterize_gl if chosen(backend, clip.device) == "gl" else rasterize_torch
    return draws(clip, faces, height, width, cull)


@torch.library.custom_op("unbraid::rasterize", mutates_args=())
def face_ids(clip: Tensor, faces: Tensor, height: int, width: int, cull: bool, backend: str) -> Tensor:
    """Find the faces: the operator behind `rasterize`."""
    return _face_ids(clip, faces, height, width, cull, backend)


@face_ids.register_fake
def _(clip: Tensor, faces: Tensor, height: int, width: int, cull: bool, backend: str) -> Tensor:
    return clip.new_empty((len(clip), height, width), dtype=torch.int64)
