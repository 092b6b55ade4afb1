"""The step of the model that a picture shows, in a text chunk of its PNG file: old pictures tell that they are."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

from PIL import Image

from unbraid_registry import UnbraidError
from unbraid_registry.files import read_whole, write_whole

KEY = "unbraid-step"
HEADER = 33                                        # bytes: the signature and the chunk IHDR
LARGEST = 1 << 28                                  # bytes of a picture


def mark_step(path: Path, step: int) -> Path:
    """Write the step into a PNG file that is there, whole or not at all, and return its path.  Raises UnbraidError."""
    try:
        content = read_whole(path, LARGEST)
    except OSError as error:
        raise UnbraidError(f"can't read the picture {path}: {error.strerror}") from None
    text = f"{KEY}\0{step}".encode()
    chunk = struct.pack(">I", len(text)) + b"tEXt" + text + struct.pack(">I", zlib.crc32(b"tEXt" + text))
    return write_whole(path, content[:HEADER] + chunk + content[HEADER:], what="the picture", hint="")


def step_of(picture: Image.Image) -> int | None:
    """Return the step that a picture tells; None where it tells none."""
    text = str(picture.info.get(KEY, ""))
    return int(text) if re.fullmatch(r"\d{1,15}", text) else None
