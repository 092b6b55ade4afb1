"""One picture file, made to fill a rectangle; and arrays of images of another size."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from unbraid import DataError

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
LARGEST = 2 ** 26                                  # pixels: a larger picture is taken for a decompression bomb

Size = int | tuple[int, int]


def check_size(instance: Any, attribute: attrs.Attribute, size: Size | None) -> None:
    """A validator: one side length or (height, width), 4 ... 4096 pixels."""
    if size is not None and not all(isinstance(s, int) and 4 <= s <= 4096 for s in sides(size)):
        raise ValueError(f"{attribute.name} must be 4 ... 4096 pixels, or [height, width]; found {size}")


def sides(size: Size) -> tuple[int, int]:
    """(height, width)."""
    height, width = (size, size) if isinstance(size, int) else size
    return height, width


class BadPicture(Exception):
    """A file that is no picture, a broken one, or far too large a one."""


def picture_size(path: Path) -> tuple[int, int]:
    """(height, width) in the file's header.  Raises BadPicture."""
    with _opened(path) as image:
        return image.size[1], image.size[0]


def read_picture(path: Path, size: Size, channels: int) -> np.ndarray:
    """The picture upright, scaled to fill `size` and cut around its middle, uint8 (channels, H, W).

    Transparency becomes white; an animation gives its first frame.  Raises BadPicture.
    """
    height, width = sides(size)
    try:
        with _opened(path) as image:
            if not _transparent(image):
                image.draft("L" if channels == 1 else "RGB", (2 * max(height, width), 2 * max(height, width)))
            image.load()
            upright = ImageOps.exif_transpose(image)
            flat = _on_white(upright) if _transparent(upright) else _eight_bits(upright)
            flat = flat.convert("L" if channels == 1 else "RGB")
            fitted = ImageOps.fit(flat, (width, height), Image.Resampling.BICUBIC)
    except (OSError, SyntaxError, ValueError, EOFError, ZeroDivisionError, MemoryError) as error:
        raise BadPicture(str(error) or type(error).__name__) from error
    pixels = np.asarray(fitted, np.uint8)
    return pixels[None] if channels == 1 else np.moveaxis(pixels, -1, 0)


def _opened(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path)
    except Image.DecompressionBombError as error:
        raise BadPicture("far too many pixels (a decompression bomb?)") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise BadPicture("no picture that can be read" if isinstance(error, UnidentifiedImageError)
                         else str(error)) from error
    if image.size[0] * image.size[1] > LARGEST:
        image.close()
        raise BadPicture(f"{image.size[0]} x {image.size[1]} pixels are too many (a decompression bomb?)")
    return image


def _transparent(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info


def _on_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit grey as 8-bit grey: Pillow would cut it off instead of scaling it."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image, np.int64).clip(0, 65535) >> 8).astype(np.uint8))
    return image


def resized(images: np.ndarray, size: Size) -> np.ndarray:
    """Images of another size: scaled to fill it, cut around the middle.  uint8 (N, C, h, w) -> uint8 (N, C, H, W)."""
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


def existing(path: str, option: str = "path", *, folder: bool | None = None) -> Path:
    """The file or folder that an option names; `~` is the home folder.  Raises DataError where there is none."""
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
    """A key that sorts frame2 before frame10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", path.as_posix())]


def skipped(files: Sequence[tuple[Path, str]], what: str = "corrupt") -> list[str]:
    """A note about files that were left out, naming the first three."""
    if not files:
        return []
    named = "; ".join(f"{path.name} ({why})" for path, why in files[:3])
    return [f"{len(files)} {what} file{'s' * (len(files) > 1)} skipped: {named}{'; ...' * (len(files) > 3)}"]


ImageFile.LOAD_TRUNCATED_IMAGES = False            # half a picture is a corrupt one
