"""Reader of picture files that fits them into a rectangle: for sources, and for pictures that users give to a model."""

from __future__ import annotations

import contextlib
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from unbraid.data.errors import DataError
from unbraid_registry import UnbraidError
from unbraid_registry.files import is_of_system, open_file, reason, remedy

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM",       # Pillow decodes these itself; EPS runs a program
           *(["AVIF"] if find_spec("PIL._avif") else []))           # where it is built with AVIF
HEIC = (".heic", ".heif", ".hif")
LARGEST = 2 ** 26                                  # pixels: a larger picture is taken for a decompression bomb
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # from EXIF's orientation to Pillow's transposition

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


def read_picture(path: Path | Image.Image, size: tuple[int, int], channels: int, white: float | None = None,
                 black: float = 0) -> np.ndarray:
    """Read a picture upright, scaled to fill (height, width) and cut around its middle, uint8 (channels, H, W).

    Transparency becomes white; an animation gives its first frame. `black` and `white` are the ends of the range in
    grey pictures of more than 8 bits; without `white`, 16 bits and floats in [0, 1] are read.  Raises BadPicture.

    >>> Image.new("RGB", (30, 20), "red").save("red.png")
    >>> read_picture(Path("red.png"), (8, 8), 3)[:, 0, 0]
    array([255,   0,   0], dtype=uint8)
    """
    height, width = size
    try:
        with open_picture(path) if isinstance(path, Path) else path.copy() as image:
            raw = str([tile[3] for tile in getattr(image, "tile", ())])      # "RGB;16B": Pillow drops low bytes
            if not _transparent(image):
                image.draft("L" if channels == 1 else "RGB", (2 * max(height, width), 2 * max(height, width)))
            image.load()
            flat = _eight_bits(image, white, black) if image.mode[0] in "IF" else image
            if ";16" in raw and flat is image and white != 65535:
                colours = [image.getchannel(band) for band in image.getbands() if band != "A"]
                _refuse_dark(256 * float(np.max([colour.getextrema() for colour in colours])) + 255)
            flat = _on_white(flat) if _transparent(flat) else flat
            flat = flat.convert("L" if channels == 1 else "RGB")
            with contextlib.suppress(Exception):                     # a broken EXIF says nothing about the pixels
                flat = flat.transpose(Image.Transpose(TURNS[image.getexif()[0x0112]]))
            fitted = ImageOps.fit(flat, (width, height), Image.Resampling.BICUBIC)
    except (BadPicture, DataError):
        raise
    except Exception as error:                     # decoders raise anything
        raise _bad(path, error) from error
    pixels = np.asarray(fitted, np.uint8)
    return pixels[None] if channels == 1 else np.moveaxis(pixels, -1, 0)


def open_picture(path: Path, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """Open a picture of one of these formats; read its header but not its pixels.  Raises BadPicture.

    >>> Image.new("RGB", (30, 20)).save("header.png")
    >>> open_picture(Path("header.png")).size
    (30, 20)
    """
    try:
        with warnings.catch_warnings(), open_file(path):       # refuses a pipe before Pillow waits for it
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            if path.suffix.lower() in HEIC and formats == FORMATS:
                from pillow_heif import register_heif_opener

                register_heif_opener()
                formats = (*FORMATS, "HEIF")
            image = Image.open(path, formats=formats)
    except ImportError:
        raise BadPicture("pillow-heif reads HEIC pictures: pip install 'unbraid[heic]'") from None
    except Image.DecompressionBombError as error:
        raise BadPicture("far too many pixels (a decompression bomb?)") from error
    except UnidentifiedImageError as error:
        raise BadPicture(f"no picture that can be read ({', '.join(formats)})") from error
    except Exception as error:
        raise _bad(path, error) from error
    if image.size[0] * image.size[1] > LARGEST:
        image.close()
        raise BadPicture(f"{image.size[0]} x {image.size[1]} pixels are too many (a decompression bomb?)")
    return image


def _bad(path: object, error: Exception) -> BadPicture | DataError:
    """Return the error for a picture, or, where the system refuses to read, one that leaves no picture out."""
    if is_of_system(error, of_a_file=False):
        return DataError(f"can't read {path}: {reason(error)}", hint=remedy(error))
    return BadPicture(str(error) or type(error).__name__)


def _transparent(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info


def _on_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def _eight_bits(image: Image.Image, white: float | None, black: float) -> Image.Image:
    """Scale grey of more than 8 bits, which Pillow would cut off; its transparent value becomes white."""
    values = np.asarray(image, np.float64)
    low, high = float(values.min()), float(values.max())
    if white is None and image.mode != "F" and (image.mode[1:] or image.format in ("PNG", "PPM")):
        _refuse_dark(high)
        white = 65535
    elif white is None and image.mode == "F" and low >= 0 and high <= 1:
        white = 1
    if white is None or not black <= low <= high <= white:
        advice = "set the source's `black` and `white` to these" if np.isfinite(low + high) else "mend it"
        raise BadPicture(f"its values go from {low:g} to {high:g}; {advice}, or make 8 bits of them")
    grey = ((values - black) * (255 / (white - black)) + 0.5).astype(np.uint8)
    return Image.fromarray(np.where(values == image.info.get("transparency"), np.uint8(255), grey))


def _refuse_dark(high: float) -> None:
    if 0 < high < 2 ** 14:
        raise BadPicture(f"its 16 bits end at {high:g}: maybe it has 8, 10, 12 or 14 bits; make 8 of them, or set the "
                         "source's `white`, to 65535 if it is dark")


class PictureError(UnbraidError):
    """The error for an image file that can't be read or written."""


def read_image(path: Path | Image.Image, size: tuple[int, int], channels: int) -> np.ndarray:
    """Read a file or PIL's image as uint8 (C, H, W), as a source of images would read it.  Raises PictureError."""
    try:
        return read_picture(path.expanduser() if isinstance(path, Path) else path, size, channels)
    except BadPicture as error:
        if not isinstance(path, Path):
            raise PictureError(f"can't use the image: {error}") from None
        missing = not path.expanduser().exists()
        raise PictureError(f"no image at {path}" if missing else f"can't read the image {path}: {error}") from None
