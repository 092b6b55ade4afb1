"""Outputs of a view: pictures, strips, points, films, meshes and texts; and their bytes for the browser."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from unbraid_registry import UnbraidError

MOST_FRAMES = 256                                  # images in a strip or frames in a film
FPS = 8


class OutputError(UnbraidError):
    """Raised for an output that can't be shown."""


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(texts)


def _images(v: Tensor) -> Tensor:
    """Return images as (N, C, H, W) with C = 1 or 3.  Raises OutputError."""
    images = v.detach()[None] if v.ndim == 3 else v.detach()
    if images.ndim != 4 or images.shape[1] not in (1, 3) or not 0 < len(images) <= MOST_FRAMES:
        raise OutputError(f"expected images (N, C, H, W) with one or three channels, at most {MOST_FRAMES}; got "
                          f"{tuple(v.shape)}")
    return images


@attrs.frozen(eq=False)
class Picture:
    """An image (C, H, W) in [0, 1], or the only one of a batch."""

    image: Tensor = attrs.field(converter=_images)


@attrs.frozen(eq=False)
class Strip:
    """Images (N, C, H, W) in [0, 1] in a row, with a text below each."""

    images: Tensor = attrs.field(converter=_images)
    captions: Sequence[str] = attrs.field(default=(), converter=_texts)


@attrs.frozen(eq=False)
class Film:
    """Frames (T, C, H, W) in [0, 1], shown one after another.  fps: frames a second."""

    frames: Tensor = attrs.field(converter=_images)
    fps: float = FPS


@attrs.frozen(eq=False)
class Points:
    """Points of a plane, which stand for pictures: a click takes one.

    places: (N, 2).
    pictures: the picture of each point, as the gallery names it.
    groups: (N,) class of each point, for its colour, or None.
    names: the names of the classes.
    target: the name of the picture that a click sets.
    size: (C, H, W) of the pictures.
    """

    places: Tensor
    pictures: Sequence[str] = attrs.field(converter=_texts)
    groups: Tensor | None = None
    names: Sequence[str] = attrs.field(default=(), converter=_texts)
    target: str = "A"
    size: tuple[int, int, int] = (3, 64, 64)


@attrs.frozen(eq=False)
class Mesh:
    """A triangle mesh, which a person turns.

    vertices: (V, 3), y up.
    faces: (F, 3) numbers of vertices.
    colours: (V, 3) in [0, 1], or None.
    uv: (F, 3, 2) places of the faces' corners in the texture, v up, or None.
    texture: (C, H, W) in [0, 1], or None.
    """

    vertices: Tensor
    faces: Tensor
    colours: Tensor | None = None
    uv: Tensor | None = None
    texture: Tensor | None = None


@attrs.frozen
class Text:
    """A text, shown as it is."""

    text: str


Output: TypeAlias = Picture | Strip | Film | Points | Mesh | Text


def encoded(outputs: Mapping[str, Output], more: Mapping[str, Any]) -> bytes:
    """Return outputs as bytes: the length of a JSON text (4 bytes, little endian), the text, and pictures and numbers.

    more: further entries of the JSON text.  Raises OutputError for anything else.
    """
    blobs: list[bytes] = []
    content = {**more, "outputs": [{"name": name, **_described(output, blobs)} for name, output in outputs.items()]}
    head = json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    head += b" " * (-len(head) % 4)                # numbers behind it begin at multiples of four
    return len(head).to_bytes(4, "little") + head + b"".join(blobs)


def _described(output: Output, blobs: list[bytes]) -> dict[str, Any]:
    def blob(content: bytes) -> list[int]:
        start = sum(map(len, blobs))
        blobs.append(content + b"\0" * (-len(content) % 4))
        return [start, len(content)]

    def numbers(v: Tensor | None, dtype: str) -> list[int] | None:
        return None if v is None else blob(np.ascontiguousarray(v.detach().cpu().numpy(), dtype).tobytes())

    match output:
        case Picture(image=image):
            return {"kind": "picture", "pixels": blob(pixels(image[:1])), "size": _size(image)}
        case Strip(images=images, captions=captions):
            return {"kind": "strip", "pixels": blob(pixels(images)), "size": _size(images), "count": len(images),
                    "captions": list(map(str, captions))}
        case Film(frames=frames, fps=fps):
            return {"kind": "film", "pixels": blob(pixels(frames)), "size": _size(frames), "count": len(frames),
                    "fps": fps}
        case Points(places=places, pictures=pictures, groups=groups, names=names, target=target, size=size):
            if places.ndim != 2 or places.shape[1] != 2 or len(places) != len(pictures):
                raise OutputError(f"expected a place (N, 2) for each of {len(pictures)} pictures; got "
                                  f"{tuple(places.shape)}")
            return {"kind": "points", "places": numbers(places, "<f4"), "groups": numbers(groups, "<i4"),
                    "pictures": list(pictures), "names": list(names), "target": target, "size": list(size)}
        case Mesh():
            return {"kind": "mesh", **_solid(output, numbers, blob)}
        case Text(text=text):
            return {"kind": "text", "text": str(text)}
    raise OutputError(f"a view gave {type(output).__name__}; expected Picture, Strip, Film, Points, Mesh or Text of "
                      "unbraid_plugins.tools.viewer.outputs")


def _solid(mesh: Mesh, numbers: Any, blob: Any) -> dict[str, Any]:
    faces = mesh.faces.detach().cpu().long()
    if mesh.vertices.ndim != 2 or mesh.vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise OutputError(f"expected vertices (V, 3) and faces (F, 3); got {tuple(mesh.vertices.shape)} and "
                          f"{tuple(faces.shape)}")
    vertices, colours = mesh.vertices.detach().cpu(), mesh.colours
    if mesh.uv is not None:                        # a vertex may have several places there, a corner has one
        vertices, corners = vertices[faces.flatten()], faces.flatten()
        colours = None if colours is None else colours.detach().cpu()[corners]
        faces = torch.arange(len(corners)).view(-1, 3)
    return {"vertices": numbers(vertices, "<f4"), "faces": numbers(faces, "<u4"), "colours": numbers(colours, "<f4"),
            "uv": numbers(None if mesh.uv is None else mesh.uv.reshape(-1, 2), "<f4"),
            "texture": None if mesh.texture is None else blob(png(_images(mesh.texture)))}


def pixels(images: Tensor) -> bytes:
    """Return images (N, C, H, W) in [0, 1] side by side: a byte for every channel of every pixel, row by row.

    On one machine these are there sooner than a compressed picture.
    """
    return _row(images).tobytes()


def png(images: Tensor) -> bytes:
    """Return images (N, C, H, W) in [0, 1] side by side as a PNG file."""
    row, file = _row(images), io.BytesIO()
    Image.fromarray(row[..., 0] if row.shape[-1] == 1 else row).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _row(images: Tensor) -> np.ndarray:
    """Return images side by side, uint8 (H, N W, C)."""
    whole = (images.detach().cpu().float().nan_to_num(0).clamp(0, 1) * 255).round().to(torch.uint8)
    row: np.ndarray = torch.cat(list(whole), -1).permute(1, 2, 0).numpy()
    return row


def _size(images: Tensor) -> list[int]:
    """Return channels, height and width."""
    return list(images.shape[1:])
