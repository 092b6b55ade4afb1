"""Pictures of textures: opened within bounds, and decoded by Pillow itself, by no other program."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from unbraid import UnbraidError

PICTURES = ("PNG", "JPEG", "WEBP", "BMP", "TGA", "TIFF", "GIF")
LARGEST = 2**26                                    # pixels of a texture


def pixels(data: bytes, name: str, *, opaque: bool = False) -> np.ndarray:
    """Return a picture as (3, h, w) float32 in [0, 1].

    opaque: ignore transparency, which else becomes white.

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
        return _array(picture, opaque)
    except (OSError, SyntaxError, ValueError) as error:
        raise UnbraidError(f"its texture {name} can't be decoded: {' '.join(str(error).split())[:80]}",
                           hint="is it whole?") from None


def _array(picture: Any, opaque: bool) -> np.ndarray:
    from PIL import Image

    if picture.mode.startswith("I"):
        return np.broadcast_to(np.asarray(picture, np.float32).clip(0, 65535) / 65535, (3, *picture.size[::-1])).copy()
    if not opaque and (picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info):
        rgba = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    elif picture.mode in ("P", "PA"):
        picture = picture.convert("RGBA")
    return np.asarray(picture.convert("RGB"), np.float32).transpose(2, 0, 1) / 255
