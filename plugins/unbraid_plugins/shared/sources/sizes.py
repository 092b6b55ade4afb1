"""Sizes of pictures, resizing of images, and checks of files that sources name."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch

from unbraid import DataError

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".apng", ".dib", ".jfif",
           ".jpe", ".pbm", ".pnm", *([".avif"] if find_spec("PIL._avif") else []))
HEIC = (".heic", ".heif", ".hif")                  # by an optional dependency

Size = int | tuple[int, int]


def check_size(instance: Any, attribute: attrs.Attribute[Any], size: Size | None) -> None:
    """Check a size: one side length or (height, width), 4 ... 4096 pixels.  Raises ValueError."""
    if size is not None and not all(isinstance(s, int) and 4 <= s <= 4096 for s in sides(size)):
        raise ValueError(f"{attribute.name} must be 4 ... 4096 pixels, or [height, width]; found {size}")


def check_white(instance: Any, attribute: attrs.Attribute[Any], white: float | None) -> None:
    """Check that white is above black, and that both are finite.  Raises ValueError."""
    if not math.isfinite(instance.black) or (white is not None and not instance.black < white < math.inf):
        raise ValueError(f"white must be above black; found black {instance.black:g}, white {white}")
    if white is None and instance.black:
        raise ValueError("with `black`, set `white` too")


def sides(size: Size) -> tuple[int, int]:
    """Return (height, width)."""
    height, width = (size, size) if isinstance(size, int) else size
    return height, width


def resized(images: np.ndarray, size: Size) -> np.ndarray:
    """Scale images to fill another size and cut them around the middle.  uint8 (N, C, h, w) -> uint8 (N, C, H, W)."""
    height, width = sides(size)
    h, w = images.shape[2:]
    if (h, w) == (height, width):
        return images
    scale = max(height / h, width / w)
    inner = (max(height, round(h * scale)), max(width, round(w * scale)))
    top, left = (inner[0] - height) // 2, (inner[1] - width) // 2
    out = np.empty((*images.shape[:2], height, width), np.uint8)
    for begin in range(0, len(images), 1024):
        part = torch.from_numpy(np.ascontiguousarray(images[begin:begin + 1024]).copy()).float()
        part = torch.nn.functional.interpolate(part, inner, mode="bilinear", antialias=True, align_corners=False)
        out[begin:begin + 1024] = part[:, :, top:top + height, left:left + width].round().clamp(0, 255).byte().numpy()
    return out


def cropped(images: np.ndarray, size: Size) -> np.ndarray:
    """Cut out the middle of images.  uint8 (N, C, h, w) -> uint8 (N, C, H, W).  Raises DataError for smaller images."""
    (height, width), (h, w) = sides(size), images.shape[2:]
    if height > h or width > w:
        raise DataError(f"crop: {height} x {width} is more than the images of {h} x {w} have",
                        hint="make it smaller, or take `size`")
    top, left = (h - height) // 2, (w - width) // 2
    return np.ascontiguousarray(images[:, :, top:top + height, left:left + width])


def existing(path: str, option: str = "path", *, folder: bool | None = None) -> Path:
    """Return the file or folder that an option names; `~` is the home folder.  Raises DataError if nothing is there."""
    if not path:
        raise DataError(f"the option `{option}` is empty", hint=f"set `{option}:` to where the data is")
    found = Path(path).expanduser()
    if not found.exists():
        raise DataError(f"there is nothing at {found}", hint=f"set the option `{option}` to where the data is")
    if folder is not None and found.is_dir() != folder:
        raise DataError(f"{found} is {'a folder' if found.is_dir() else 'a file'}",
                        hint=f"set the option `{option}` to a {'folder' if folder else 'file'}")
    return found


def natural(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts frame2 before frame10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", path.as_posix())]


def skipped(files: Sequence[tuple[Path, str]], what: str = "corrupt") -> list[str]:
    """Return a note about files that were left out, naming the first three; no note without files."""
    if not files:
        return []
    named = "; ".join(f"{path.name} ({why})" for path, why in files[:3])
    return [f"{len(files)} {what} file{'s' * (len(files) > 1)} skipped: {named}{'; ...' * (len(files) > 3)}"]
