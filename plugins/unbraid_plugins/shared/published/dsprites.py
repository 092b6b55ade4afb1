"""dSprites (Matthey et al. 2017): white shapes on black, all combinations of six factors."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np

from unbraid import DataError, Field, Images, source
from unbraid_plugins.shared.published.hdf5 import dataset
from unbraid_plugins.shared.sources.hdf5_file import opened_hdf5
from unbraid_plugins.shared.sources.npz_file import NpzFile
from unbraid_plugins.shared.sources.sizes import check_size, existing, resized

FACTORS = ("color", "shape", "scale", "orientation", "pos_x", "pos_y")
SHAPES = ("square", "ellipse", "heart")
AT_ONCE = 8192                                     # images
MOST = 4 << 30                                     # bytes of a file's arrays


@attrs.frozen(eq=False)
class PackedImages:
    """Lazy images of two values, kept as bits.  bits: uint8 (N, bytes)."""

    bits: np.ndarray
    height: int
    width: int
    size: int | tuple[int, int] | None = None

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        sides = self.size or (self.height, self.width)
        return len(self.bits), 1, *(sides if isinstance(sides, tuple) else (sides, sides))

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Unpack the images of these rows, uint8 (len(rows), 1, H, W), 0 or 255."""
        found = np.unpackbits(self.bits[rows], axis=1, count=self.height * self.width) * np.uint8(255)
        images = found.reshape(-1, 1, self.height, self.width)
        return images if self.size is None else resized(images, self.size)


@source
@attrs.frozen(kw_only=True)
class Dsprites:
    """DSprites (Matthey et al. 2017), its file .npz or .hdf5 (extra `data`), 64 x 64 grey.

    Fields: color (it has one value), shape, scale, orientation, pos_x, pos_y. The images are kept as bits, 380 MB, and
    unpacked when they are read. Of the .npz, the pickled `metadata` is not loaded.
    """

    path: str
    size: int | tuple[int, int] | None = attrs.field(default=None, validator=check_size)

    def open(self) -> Images:
        """Return the images and their factors."""
        path = existing(self.path, folder=False)
        bits, height, width, classes = _read_npz(path) if path.suffix == ".npz" else _read_hdf5(path)
        if classes.shape != (len(bits), len(FACTORS)) or (len(classes) and classes.min() < 0):
            raise DataError(f"{path}: its classes are {classes.shape}, expected ({len(bits)}, {len(FACTORS)})")
        fields = {}
        for name, column in zip(FACTORS, classes.T.astype(np.int64), strict=True):
            count = int(column.max(initial=0)) + 1
            fields[name] = Field(column, count, SHAPES if name == "shape" and count == len(SHAPES) else None)
        return Images(PackedImages(bits, height, width, self.size), fields)


def _read_npz(path: Path) -> tuple[np.ndarray, int, int, np.ndarray]:
    file = NpzFile(path, MOST)
    if missing := [name for name in ("imgs", "latents_classes") if name not in file]:
        raise DataError(f"{path}: it has no array {missing[0]!r}; there is {', '.join(file.headers) or 'none'}")
    images = file.read("imgs")
    if images.ndim != 3 or images.dtype.kind not in "ub":
        raise DataError(f"{path}: its images are {images.dtype} {images.shape}, expected bytes (N, H, W)")
    bits = np.concatenate([_bits(path, images[i:i + AT_ONCE]) for i in range(0, len(images), AT_ONCE)])
    return bits, images.shape[1], images.shape[2], file.read("latents_classes")


def _read_hdf5(path: Path) -> tuple[np.ndarray, int, int, np.ndarray]:
    with opened_hdf5(path, " of this set", "fetch it again, with: unbraid data get") as opened:
        images, classes = dataset(opened, "imgs", "ub", 3), dataset(opened, "latents/classes", "iu", 2)
        count, height, width = images.shape
        if height * width > 2 ** 20 or count * height * width > 8 * MOST or classes.shape != (count, len(FACTORS)):
            raise ValueError(f"its images are {images.shape}, its classes {classes.shape}")
        bits = np.empty((count, (height * width + 7) // 8), np.uint8)
        for i in range(0, count, AT_ONCE):
            bits[i:i + AT_ONCE] = _bits(path, images[i:i + AT_ONCE])
        return bits, height, width, classes[:]


def _bits(path: Path, images: np.ndarray) -> np.ndarray:
    if images.max(initial=0) > 1:
        raise DataError(f"{path}: its images have values above 1, expected 0 and 1")
    return np.packbits(images.reshape(len(images), -1).astype(np.uint8), axis=1)
