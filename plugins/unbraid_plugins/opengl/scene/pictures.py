"""Pictures of textures: opened within bounds, and decoded by Pillow itself, by no other program."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Literal

import numpy as np

from unbraid import UnbraidError

PICTURES = ("PNG", "JPEG", "WEBP", "BMP", "TGA", "TIFF", "GIF")
LARGEST = 2**26                                    # pixels of a texture


Alpha = Literal["white", "ignore", "keep"]


def pixels(data: bytes, name: str, *, alpha: Alpha = "white") -> np.ndarray:
    """Return a picture as (3, h, w) float32 in [0, 1].

    alpha: what becomes of transparency: the picture is laid over white, or it is ignored, or kept as a fourth channel.

    Raises UnbraidError where it is no picture, too large, or broken.
    """
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise UnbraidError(f"its texture {name} is empty, no picture", hint="expected a PNG or JPEG")
    try:
        picture = Image.open(BytesIO(data), formats=PICTURES)
    except UnidentifiedImageError:
        raise UnbraidError(f"its texture {name} is no picture of a format that is read here",
                           hint=f"expected {', '.join(PICTURES[:-1])} or {PICTURES[-1]}") from None
    except Image.DecompressionBombError as error:
        raise UnbraidError(f"its texture {name}: {error}", hint="make it smaller") from None
    width, height = picture.size
    if width * height > LARGEST:
        raise UnbraidError(f"its texture {name} is {width} x {height} pixels large, too many", hint="make it smaller")
    try:
        return _array(picture, name, alpha)
    except (OSError, SyntaxError, ValueError) as error:
        raise UnbraidError(f"its texture {name} can't be decoded: {' '.join(str(error).split())[:80]}",
                           hint="is it whole?") from None


def resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a picture (C, h, w) of another size (h, w), interpolated as a texture is."""
    import torch
    from torch.nn import functional

    return functional.interpolate(torch.from_numpy(np.ascontiguousarray(picture, np.float32))[None], size,
                                  mode="bilinear", align_corners=False)[0].numpy()


def _array(picture: Any, name: str, alpha: Alpha) -> np.ndarray:
    from PIL import Image

    if picture.mode.startswith("I") or picture.mode == "F":
        grey = _grey(np.asarray(picture, np.float64), picture.mode == "F", name)
        return np.broadcast_to(grey.astype(np.float32), (3, *grey.shape)).copy()
    clear = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    if clear and alpha == "keep":
        return np.asarray(picture.convert("RGBA"), np.float32).transpose(2, 0, 1) / 255
    if clear and alpha == "white":
        rgba = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    elif picture.mode in ("P", "PA"):
        picture = picture.convert("RGBA")
    return np.asarray(picture.convert("RGB"), np.float32).transpose(2, 0, 1) / 255


def _grey(values: np.ndarray, floats: bool, name: str) -> np.ndarray:
    """Return grey values in [0, 1]: of 16 bits, or floats that are there already.  Raises UnbraidError."""
    most = 1.0 if floats else 65535.0
    if not ((values >= 0) & (values <= most)).all():
        raise UnbraidError(f"its texture {name} has values from {values.min():g} to {values.max():g}",
                           hint=f"expected {'floats' if floats else 'whole numbers'} from 0 to {most:g}")
    return values / most
