"""Reader of picture files that fits them into a rectangle: for sources, and for pictures that users give to a model."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from unbraid_registry import UnbraidError
from unbraid_registry.files import open_file

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")      # Pillow decodes these itself; EPS runs a program
LARGEST = 2 ** 26                                  # pixels: a larger picture is taken for a decompression bomb

ImageFile.LOAD_TRUNCATED_IMAGES = False            # a truncated picture counts as corrupt


class BadPicture(Exception):
    """The error for a file that is no picture, is broken, or is far too large."""


def picture_size(path: Path) -> tuple[int, int]:
    """Return (height, width) from the file's header.  Raises BadPicture.

    >>> Image.new("RGB", (30, 20)).save("small.png")
    >>> picture_size(Path("small.png"))
    (20, 30)
    """
    with open_picture(path) as image:
        return image.size[1], image.size[0]


def read_picture(path: Path, size: tuple[int, int], channels: int) -> np.ndarray:
    """Read a picture upright, scaled to fill (height, width) and cut around its middle, uint8 (channels, H, W).

    Transparency becomes white; an animation gives its first frame.  Raises BadPicture.

    >>> Image.new("RGB", (30, 20), "red").save("red.png")
    >>> read_picture(Path("red.png"), (8, 8), 3)[:, 0, 0]
    array([255,   0,   0], dtype=uint8)
    """
    height, width = size
    try:
        with open_picture(path) as image:
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


def open_picture(path: Path, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """Open a picture of one of these formats; read its header but not its pixels.  Raises BadPicture."""
    try:
        with warnings.catch_warnings(), open_file(path):       # refuses a pipe before Pillow waits for it
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path, formats=formats)
    except Image.DecompressionBombError as error:
        raise BadPicture("far too many pixels (a decompression bomb?)") from error
    except UnidentifiedImageError as error:
        raise BadPicture(f"no picture that can be read ({', '.join(formats)})") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise BadPicture(str(error)) from error
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
    """Convert 16-bit grey to 8-bit grey: Pillow would cut it off instead of scaling it."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image, np.int64).clip(0, 65535) >> 8).astype(np.uint8))
    return image


class PictureError(UnbraidError):
    """The error for an image file that can't be read or written."""


def read_image(path: Path, size: tuple[int, int], channels: int) -> np.ndarray:
    """Read an image file as uint8 (C, H, W), as a source of images would read it.  Raises PictureError."""
    try:
        return read_picture(path.expanduser(), size, channels)
    except BadPicture as error:
        missing = not path.expanduser().exists()
        raise PictureError(f"no image at {path}" if missing else f"can't read the image {path}: {error}") from None
