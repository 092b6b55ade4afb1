"""Large arrays of images, unpacked once into a memory-mapped .npy in the cache, and read from there in rows."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import attrs
import numpy as np

from unbraid import DataError, write_whole
from unbraid_plugins.shared.metrics.cache import ABANDONED, cache_folder


@attrs.define(eq=False)
class MappedImages:
    """Lazy images in a .npy file of bytes (N, H, W, C), of which only the rows that are read are in memory."""

    path: Path
    array: np.ndarray = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.array = np.load(self.path, mmap_mode="r", allow_pickle=False)

    def __reduce__(self) -> tuple[type[MappedImages], tuple[Path]]:
        return MappedImages, (self.path,)          # another process maps the file, and gets no copy of it

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        n, height, width, channels = self.array.shape
        return n, channels, height, width

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Read the images of these rows, uint8 (len(rows), C, H, W)."""
        return np.ascontiguousarray(np.moveaxis(self.array[rows], -1, 1))


def mapped(path: Path, shape: tuple[int, ...], fill: Callable[[np.ndarray], None]) -> MappedImages:
    """Return the images of a file, unpacked into the cache when it is opened for the first time.

    path: the file that they are packed in; where it changes, they are unpacked again.
    shape: (N, H, W, C).
    fill: writes all images into the array that it gets.

    Raises DataError where the disk is too full.
    """
    status = path.stat()
    identity = f"{path.resolve()} {status.st_size} {status.st_mtime_ns} {shape}"
    try:
        there = cache_folder() / "data" / f"{path.stem}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.npy"
    except RuntimeError as error:
        raise DataError(f"{path} can't be unpacked: {error}", hint="set UNBRAID_CACHE to a folder with room") from None
    if not _is_whole(there, shape):
        _remove_abandoned(there)

        def write(scratch: Path) -> None:
            array = np.lib.format.open_memmap(scratch, "w+", np.uint8, shape)
            fill(array)
            array.flush()

        write_whole(there, write, error=DataError, what="the unpacked images",
                    hint=f"or set UNBRAID_CACHE to a folder with {np.prod(shape, dtype=np.int64):,} bytes of room")
    return MappedImages(there)


def _remove_abandoned(there: Path) -> None:
    """Remove what processes that were killed left of the same images."""
    for scratch in there.parent.glob(f".{there.stem[:100]}.*"):
        with suppress(OSError):
            if time.time() - scratch.stat().st_mtime > ABANDONED:
                scratch.unlink()


def _is_whole(path: Path, shape: tuple[int, ...]) -> bool:
    """Whether an unpacked file is there and of this shape: files are written whole or not at all."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    return found.shape == shape and found.dtype == np.uint8
