"""Writers of pictures and turntables: PNG, JPEG, WebP; GIF, WebP, animated PNG, and MP4 where there is an encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from unbraid import UnbraidError, write_whole

STILL = (".png", ".jpg", ".jpeg", ".webp")
MOVING = (".gif", ".webp", ".apng", ".mp4")


def write_still(file: Path, picture: np.ndarray) -> Path:
    """Write a picture (H, W, 3 or 4) of bytes, whole or not at all.  Raises UnbraidError."""
    kind = Image.registered_extensions()[file.suffix.lower()]
    image = Image.fromarray(picture[..., :3] if kind == "JPEG" else picture)
    return _write(file, lambda scratch: image.save(scratch, format=kind))


def write_film(file: Path, frames: Iterable[np.ndarray], *, rate: float = 15.0) -> Path:
    """Write frames (H, W, 3 or 4) of bytes as a film, whole or not at all.

    rate: frames per second.

    All formats but .mp4 repeat without end. An .mp4 needs the extra `video` and has no transparency. Raises
    UnbraidError.
    """
    if file.suffix.lower() == ".mp4":
        return _write(file, lambda scratch: _encode(scratch, frames, rate))
    kind = {".gif": "GIF", ".webp": "WEBP", ".apng": "PNG"}[file.suffix.lower()]
    first, *others = [_in_palette(f) if kind == "GIF" else Image.fromarray(f) for f in frames]
    more = {"disposal": 2} if kind == "GIF" else {"quality": 90} if kind == "WEBP" else {}
    return _write(file, lambda scratch: first.save(scratch, format=kind, save_all=True, append_images=others,
                                                   duration=round(1000 / rate), loop=0, **more))


def _write(file: Path, write: Callable[[Path], object]) -> Path:
    try:
        return write_whole(file, write, error=UnbraidError, hint="")
    except ValueError as error:                    # Pillow's, where a format can't hold the picture
        raise UnbraidError(f"can't write {file}: {error}") from None


def _in_palette(frame: np.ndarray) -> Image.Image:
    """Return a frame with its own palette of 256 colours, the transparent part as the last one."""
    if frame.shape[2] == 3:
        return Image.fromarray(frame).quantize(256, dither=Image.Dither.NONE)
    image = Image.fromarray(frame[..., :3]).quantize(255, dither=Image.Dither.NONE)
    image.paste(255, mask=Image.fromarray((frame[..., 3] < 128).astype(np.uint8) * 255))
    image.info["transparency"] = 255
    return image


def _encode(file: Path, frames: Iterable[np.ndarray], rate: float) -> None:
    try:
        import imageio_ffmpeg
    except ImportError:
        raise UnbraidError("an .mp4 needs an encoder, which is not installed",
                           hint="pip install 'unbraid[video]', or write a .gif or .webp") from None
    encoder = None
    for frame in frames:
        even = np.ascontiguousarray(frame[:frame.shape[0] // 2 * 2, :frame.shape[1] // 2 * 2, :3])      # as H.264 wants
        if not even.size:
            raise UnbraidError(f"an .mp4 of {frame.shape[1]}x{frame.shape[0]} pixels is too small",
                               hint="its sides are even, and 2 at least: make it larger, or write a .gif or .webp")
        if encoder is None:
            encoder = imageio_ffmpeg.write_frames(str(file), even.shape[1::-1], fps=rate, macro_block_size=2,
                                                  output_params=["-f", "mp4"], ffmpeg_log_level="error")
            encoder.send(None)
        encoder.send(even.tobytes())
    if encoder is not None:
        encoder.close()
