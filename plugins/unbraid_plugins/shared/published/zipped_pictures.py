"""Pictures that stay in their zip archive and are decoded when they are read."""

from __future__ import annotations

import io
import threading
import zipfile
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from PIL import Image, ImageOps

from unbraid import DataError, open_file
from unbraid_plugins.shared.sources.sizes import Size, sides

MOST_PICTURES = 2_000_000
MOST_BYTES = 64 << 20                              # of a picture's file
MOST_PIXELS = 2 ** 26
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError, SyntaxError, NotImplementedError,
           RuntimeError, MemoryError, Image.DecompressionBombError)


@attrs.define(eq=False)
class ZippedPictures:
    """Lazy images: members of a zip archive, cut to their middle, scaled, and cut to a size.

    names: of the members, in the order of the images.
    crop: side of the middle that is kept before they are scaled, in pixels; 0 for all.
    """

    path: Path
    names: list[str] = attrs.field(repr=False)
    size: Size
    channels: int = 3
    crop: int = 0
    formats: tuple[str, ...] = ("JPEG", "PNG")
    _own: Any = attrs.field(init=False, factory=threading.local, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return ZippedPictures, (self.path, self.names, self.size, self.channels, self.crop, self.formats)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        return len(self.names), self.channels, *sides(self.size)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Read the pictures of these rows, uint8 (len(rows), C, H, W).  Raises DataError for a damaged one."""
        found = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for i, row in enumerate(rows):
            try:
                found[i] = self._decoded(self._archive().read(self._member(self.names[row])))
            except DAMAGED as error:
                raise DataError(f"{self.path}, {self.names[row]}: {error or type(error).__name__}",
                                hint="fetch the archive again") from None
        return found

    def _archive(self) -> zipfile.ZipFile:
        """The archive, opened once in each thread."""
        if not hasattr(self._own, "archive"):
            held = ExitStack()
            self._own.held = held
            self._own.archive = held.enter_context(zipfile.ZipFile(held.enter_context(open_file(self.path))))
        return self._own.archive

    def _member(self, name: str) -> zipfile.ZipInfo:
        found = self._archive().getinfo(name)
        if found.file_size > MOST_BYTES:
            raise ValueError(f"it has {found.file_size:,} bytes, more than {MOST_BYTES:,}")
        return found

    def _decoded(self, content: bytes) -> np.ndarray:
        height, width = sides(self.size)
        with Image.open(io.BytesIO(content), formats=self.formats) as image:
            if image.size[0] * image.size[1] > MOST_PIXELS:
                raise ValueError(f"{image.size[0]} x {image.size[1]} pixels are too many")
            flat = image.convert("L" if self.channels == 1 else "RGB")
        if self.crop:
            left, top = (flat.size[0] - self.crop) // 2, (flat.size[1] - self.crop) // 2
            flat = flat.crop((left, top, left + self.crop, top + self.crop))
        pixels = np.asarray(ImageOps.fit(flat, (width, height), Image.Resampling.BICUBIC), np.uint8)
        return pixels[None] if self.channels == 1 else np.moveaxis(pixels, -1, 0)


def members(path: Path, ending: str) -> list[str]:
    """Return the names of an archive's files with this ending, sorted.  Raises DataError."""
    try:
        with open_file(path) as file, zipfile.ZipFile(file) as archive:
            found = sorted(i.filename for i in archive.infolist() if i.filename.lower().endswith(ending))
    except DAMAGED as error:
        raise DataError(f"{path}: not a whole zip archive: {error}", hint="fetch it again") from None
    if len(found) > MOST_PICTURES:
        raise DataError(f"{path}: {len(found):,} pictures are more than {MOST_PICTURES:,}")
    return found
