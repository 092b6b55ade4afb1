"""MPI3D (Gondal et al. 2019): a robot's arm that moves an object, drawn in two ways and photographed."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from unbraid import DataError, Images, open_file, source
from unbraid_plugins.shared.published.grids import grid_fields
from unbraid_plugins.shared.published.mapped_arrays import MappedImages, mapped
from unbraid_plugins.shared.sources.npz_file import NpzFile
from unbraid_plugins.shared.sources.sizes import existing

FACTORS = ("object_color", "object_shape", "object_size", "camera_height", "background_color", "horizontal_axis",
           "vertical_axis")
SIZES = {1_036_800: (6, 6, 2, 3, 3, 40, 40), 460_800: (4, 4, 2, 3, 3, 40, 40)}     # by the number of images
MOST = 64 << 30                                    # bytes of unpacked images
AT_ONCE = 1 << 22                                  # bytes


@source
@attrs.frozen(kw_only=True)
class Mpi3d:
    """MPI3D (Gondal et al. 2019), the .npz file of any of its sets, 64 x 64 RGB.

    The file holds no factors: they follow from the order of the images, as its authors say. Fields: object_color,
    object_shape, object_size, camera_height, background_color, horizontal_axis, vertical_axis. The images are unpacked
    once into the cache, 12.7 GB, a few megabytes at a time, and mapped from there.

    sizes: the numbers of values of the seven factors, where they don't follow from the number of images.
    """

    path: str
    sizes: tuple[int, ...] | None = None

    def open(self) -> Images:
        """Return the images and their factors."""
        path = existing(self.path, folder=False)
        header = NpzFile(path, MOST).headers.get("images")
        if header is None or header.dtype != np.uint8 or len(header.shape) != 4 or header.shape[-1] != 3:
            raise DataError(f"{path}: it has no array `images` of bytes (N, H, W, 3)")
        if header.bytes > MOST:
            raise DataError(f"{path}: its images claim {header.bytes:,} bytes, more than {MOST:,}")
        sizes = self.sizes or SIZES.get(header.shape[0])
        if sizes is None or len(sizes) != len(FACTORS):
            raise DataError(f"{path}: {header.shape[0]:,} images, expected {' or '.join(f'{n:,}' for n in SIZES)}",
                            hint="set the option `sizes` to the numbers of values of its seven factors")
        try:
            fields = grid_fields(dict(zip(FACTORS, sizes, strict=True)), header.shape[0])
        except DataError as error:
            raise DataError(f"{path}: {error.message}", hint="set the option `sizes`") from None
        return Images(self._mapped(path, header.shape), fields)

    def _mapped(self, path: Path, shape: tuple[int, ...]) -> MappedImages:
        try:
            return mapped(path, shape, lambda array: _stream(path, array))
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
            raise DataError(f"{path}: not a whole .npz file: {error}", hint="fetch it again") from None


def _stream(path: Path, array: np.ndarray) -> None:
    """Fill an array from the archive, a few megabytes at a time.  Raises ValueError where its order is another."""
    with open_file(path) as file, zipfile.ZipFile(file) as archive, archive.open("images.npy") as member:
        _skip_header(member)
        flat = array.reshape(-1)
        done = 0
        while block := member.read(min(AT_ONCE, flat.size - done)):
            flat[done:done + len(block)] = np.frombuffer(block, np.uint8)
            done += len(block)
        if done < math.prod(array.shape):
            raise EOFError(f"its images end after {done:,} of {flat.size:,} bytes")
        if member.read(1):
            raise ValueError("there is more in it than its header says")


def _skip_header(member: Any) -> None:
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    if read(member)[1]:
        raise ValueError("its images are in Fortran's order")
