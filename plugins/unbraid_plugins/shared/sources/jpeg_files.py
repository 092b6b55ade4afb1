"""JPEG files decoded by torchvision and scaled by torch, which hold no lock meanwhile: workers run side by side.

The pixels are those of Pillow up to a grey level, except at the edges of a picture that is cut: there Pillow's filter
also sees the part that is cut off.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import interpolate

from unbraid import open_file

MOST_BYTES = 64 << 20                              # of a file; larger ones are left to Pillow
MOST_PIXELS = 2 ** 26
GREY, RGB = 1, 3                                   # the operator's modes
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}           # the markers of a frame, which has the size


def decode_jpeg_file(path: Path, size: tuple[int, int], channels: int) -> np.ndarray | None:
    """Decode a JPEG upright, scale it to fill (height, width) and cut its middle, uint8 (channels, H, W).

    Returns None for whatever another decoder does better: other formats, damaged files, CMYK, and pictures that are so
    large that decoding a fraction of their frequencies suffices.
    """
    decode = _decoder()
    if decode is None:
        return None
    try:
        with open_file(path) as file:
            content = file.read(MOST_BYTES + 1)
    except OSError:
        return None
    found = jpeg_size(content)
    if found is None or len(content) > MOST_BYTES or found[2] not in (1, 3) or found[0] * found[1] > MOST_PIXELS:
        return None
    if min(found[:2]) >= 4 * max(size):
        return None
    try:
        whole = decode(torch.frombuffer(bytearray(content), dtype=torch.uint8), GREY if channels == 1 else RGB, True)
    except RuntimeError:
        return None
    return filled(whole, size).numpy()


@cache
def _decoder() -> Callable[[torch.Tensor, int, bool], torch.Tensor] | None:
    """Return torchvision's operator (content, mode, whether EXIF turns it); None where it has none.

    Its Python function warns since 0.29 that it will be gone one day.
    """
    try:
        importlib.import_module("torchvision.io")
        return torch.ops.image.decode_jpeg.default
    except (ImportError, OSError, RuntimeError, AttributeError):
        return None


def decoder_name(decoder: str) -> str:
    """Return the decoder that there is, with its version: pixels that are kept depend on it."""
    if decoder == "torchvision" and _decoder() is not None:
        return f"torchvision {version('torchvision')}, torch {torch.__version__}"
    return "pillow"


def filled(image: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Cut the middle of an image (C, h, w) to the sides' ratio of a size, and scale it to it: bicubic, anti-aliased."""
    h, w = image.shape[-2:]
    height, width = size
    rows, columns = min(h, max(1, round(w * height / width))), min(w, max(1, round(h * width / height)))
    top, left = (h - rows) // 2, (w - columns) // 2
    cut = image[:, top:top + rows, left:left + columns]
    if (rows, columns) == size:
        return cut.contiguous()
    return interpolate(cut[None], size, mode="bicubic", antialias=True)[0]


def jpeg_size(content: bytes) -> tuple[int, int, int] | None:
    """Return (height, width, components) from the header of a JPEG; None without one.

    >>> jpeg_size(b"GIF89a")
    """
    if content[:3] != b"\xff\xd8\xff":
        return None
    at = 2
    while at + 9 < len(content):
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:                         # a marker may be filled up
            at += 1
        elif marker in FRAMES:
            height, width = int.from_bytes(content[at + 5:at + 7]), int.from_bytes(content[at + 7:at + 9])
            return (height, width, content[at + 9]) if height and width else None
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
        elif marker in (0xD9, 0xDA):               # pixels before any size
            return None
        else:
            at += 2 + int.from_bytes(content[at + 2:at + 4])
    return None
