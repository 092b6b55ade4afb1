"""Conversion of arrays of pixels in any layout to uint8 (N, C, H, W)."""

from __future__ import annotations

import math

import numpy as np

from unbraid import DataError

LAYOUTS = ("auto", "NHW", "NHWC", "NCHW", "NTHW", "NTHWC", "NTCHW")


def guess_layout(shape: tuple[int, ...]) -> str:
    """Return the layout of an array's axes.  Raises DataError where several are possible."""
    first, last = len(shape) > 3 and shape[-3] in (1, 3, 4), len(shape) > 3 and shape[-1] in (1, 3, 4)
    if len(shape) == 3 and shape[-1] not in (1, 3, 4):               # (H, W, 3) is one image, and no H images
        return "NHW"
    if len(shape) in (4, 5) and first != last:
        return ("NCHW" if first else "NHWC") if len(shape) == 4 else ("NTCHW" if first else "NTHWC")
    raise DataError(f"images of shape {shape} can be meant in several ways",
                    hint=f"set the option `layout` to one of {', '.join(LAYOUTS[1:])}; T are the frames of a clip")


def to_images(array: np.ndarray, layout: str, white: float | None,
              black: float = 0) -> tuple[np.ndarray, int | None]:
    """Return uint8 (N, C, H, W), clips frame after frame, and the number of frames of a clip (None: no clips).

    white: the value that becomes 255 (None: found from the type and the largest value).  black: that becomes 0.
    Raises DataError.
    """
    if layout == "auto":
        layout = guess_layout(array.shape)
    if len(layout) != array.ndim:
        raise DataError(f"images of shape {array.shape} are not {layout}")
    frames = array.shape[1] if "T" in layout else None
    if frames is not None:
        array, layout = array.reshape(-1, *array.shape[2:]), layout.replace("T", "")
    if layout == "NHW":
        array, layout = array[:, None], "NCHW"
    if layout == "NHWC":
        array = np.moveaxis(array, -1, 1)
    if array.shape[1] not in (1, 3, 4):
        raise DataError(f"images have 1, 3 or 4 channels; found {array.shape[1]} (read as {layout})",
                        hint="set the option `layout`")
    pixels = to_bytes(array, white, black)
    if pixels.shape[1] == 4:                                         # transparency becomes white
        alpha = pixels[:, 3:].astype(np.uint16)
        pixels = ((pixels[:, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(pixels), frames


def to_bytes(array: np.ndarray, white: float | None, black: float = 0) -> np.ndarray:
    """Scale values to 0 ... 255.  Raises DataError where the range is not clear."""
    if array.dtype.kind not in "buif":
        raise DataError(f"images must be numbers; found {array.dtype}")
    if not array.size:
        raise DataError(f"the array of images is empty: {array.shape}")
    low, high = float(array.min()), float(array.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        wrong = next(i for i, image in enumerate(array) if not np.isfinite(image).all())
        raise DataError(f"image {wrong} has values that are not finite",
                        hint="mend it, or leave it out: NaN and infinity are no brightness")
    if white is None:
        if array.dtype.kind == "b" or high <= 1:
            white = 1
        elif array.dtype == np.uint8:
            return array
        else:
            white = 255 if array.dtype.kind in "ui" and high <= 255 else math.nan
    if not black <= low <= high <= white:
        most = 255 if array.dtype.kind in "ui" else 1      # that is read without the option white
        expected = f"{black:g} ... {most if math.isnan(white) else white:g}"
        raise DataError(f"images have values from {low:g} to {high:g}, expected {expected}", hint=_range_of(low, high))
    out = np.empty(array.shape, np.uint8)
    for begin in range(0, len(array), 4096):
        out[begin:begin + 4096] = (array[begin:begin + 4096].astype(np.float32) - black) * (255 / (white - black)) + 0.5
    return out


def _range_of(low: float, high: float) -> str:
    if -0.5 <= low < 0 <= high <= 1.5 or 0 <= low <= 1 < high <= 1.5:
        return "an image that overshoots a little is clipped: np.clip(images, 0, 1)"
    if -1 <= low < 0 and high <= 1:
        return "set the options `black: -1` and `white: 1`"
    if low >= 0:
        return f"set the option `white` to the value that means white, maybe {255 if high <= 255 else 65535}"
    return "set the options `black` and `white` to the values that mean black and white"


def unpack_bits(packed: np.ndarray) -> np.ndarray:
    """Unpack square images of single bits, (N, bytes) -> uint8 0 or 255, (N, side, side).  Raises DataError."""
    if packed.ndim != 2 or packed.dtype != np.uint8:
        raise DataError(f"packed images must be uint8 (N, bytes); found {packed.dtype} {packed.shape}")
    side = math.isqrt(packed.shape[1] * 8)
    if (side * side + 7) // 8 != packed.shape[1]:
        raise DataError(f"{packed.shape[1]} bytes of bits are no square image")
    out = np.empty((len(packed), side, side), np.uint8)
    for begin in range(0, len(packed), 4096):
        bits = np.unpackbits(packed[begin:begin + 4096], axis=1, count=side * side)
        out[begin:begin + 4096] = (bits * 255).reshape(-1, side, side)
    return out
