"""Small NORB (LeCun, Huang and Bottou 2004): toys in stereo, in LeCun's format of matrices."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

import attrs
import numpy as np

from unbraid import DataError, Field, Images, open_file, source
from unbraid_plugins.shared.sources.sizes import check_size, existing, resized

KINDS: dict[int, np.dtype[Any]] = {0x1E3D4C55: np.dtype("u1"), 0x1E3D4C54: np.dtype("<i4"),
                                   0x1E3D4C56: np.dtype("<i2"), 0x1E3D4C51: np.dtype("<f4"),
                                   0x1E3D4C53: np.dtype("<f8")}
FILES = {"train": "smallnorb-5x46789x9x18x6x2x96x96-training", "test": "smallnorb-5x01235x9x18x6x2x96x96-testing"}
CATEGORIES = ("animal", "human", "airplane", "truck", "car")
INFO = (("instance", 10, 1), ("elevation", 9, 1), ("azimuth", 18, 2), ("lighting", 6, 1))   # values, and their step
CAMERAS = {"left": [0], "right": [1], "both": [0, 1]}
DENSEST = 1032                                     # bytes that deflate packs into one
MOST = 4 << 30


def read_matrix(path: Path) -> np.ndarray:
    """Read a matrix in LeCun's format, packed with gzip or not.  Raises DataError.

    It begins with a magic number of its type, the number of dimensions, and at least three sizes, all int32, little
    endian.
    """
    try:
        with open_file(path) as file:
            packed = path.suffix == ".gz"
            most = min(MOST, os.fstat(file.fileno()).st_size * (DENSEST if packed else 1))
            return _matrix(path, cast(BinaryIO, gzip.open(file)) if packed else file, most)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: not a whole .gz file: {error}", hint="fetch it again") from None


def _matrix(path: Path, file: BinaryIO, most: int) -> np.ndarray:
    head = np.frombuffer(file.read(8).ljust(8, b"\0"), "<i4")
    kind, dimensions = KINDS.get(int(head[0])), int(head[1])
    if kind is None or not 1 <= dimensions <= 8:
        raise DataError(f"{path}: no matrix in LeCun's format; it begins with {head.tobytes().hex(' ')}",
                        hint="expected 55 4c 3d 1e, or another of its types")
    sizes = file.read(4 * max(3, dimensions))
    if len(sizes) < 4 * max(3, dimensions):
        raise DataError(f"{path}: ends within its header", hint="fetch it again")
    shape = tuple(np.frombuffer(sizes, "<i4")[:dimensions].tolist())
    if min(shape) < 0 or math.prod(shape) * kind.itemsize > most:
        raise DataError(f"{path}: claims to hold {' x '.join(map(str, shape))} numbers, more than can be in it")
    size = math.prod(shape) * kind.itemsize
    content = file.read(size + 1)
    if len(content) != size:
        found = "more" if len(content) > size else f"only {len(content):,}"
        raise DataError(f"{path}: holds {found} bytes, its header says {size:,}", hint="fetch it again")
    return np.frombuffer(content, kind).reshape(shape)


@source
@attrs.frozen(kw_only=True)
class SmallNorb:
    """Small NORB (LeCun et al. 2004), its six files, .mat or .mat.gz, in a folder; 96 x 96 grey.

    Its splits `train` and `test` have different toys, so not all combinations of factors are there. Fields: category,
    instance (0 ... 9 in each category), elevation (30 to 70 degrees in steps of 5), azimuth (steps of 20 degrees),
    lighting; and camera where both are taken.

    camera: left, right, or both, where the two images of a pair are one after the other.
    """

    path: str
    camera: str = attrs.field(default="left", validator=attrs.validators.in_(tuple(CAMERAS)))
    size: int | tuple[int, int] | None = attrs.field(default=None, validator=check_size)

    def open(self) -> Images:
        """Return the images and their factors."""
        folder = existing(self.path, folder=True)
        cameras = CAMERAS[self.camera]
        images, tables, splits, begin = [], [], {}, 0
        for split, name in FILES.items():
            pairs, category, info = (read_matrix(_find(folder, f"{name}-{p}.mat")) for p in ("dat", "cat", "info"))
            if pairs.dtype != np.uint8 or pairs.ndim != 4 or pairs.shape[1] != 2 or (
                    category.shape != pairs.shape[:1]) or info.shape != (len(pairs), len(INFO)):
                raise DataError(f"{folder}: {name} has images {pairs.shape}, categories {category.shape} and info "
                                f"{info.shape}, which do not fit together")
            images.append(pairs[:, cameras].reshape(-1, 1, *pairs.shape[2:]))
            table = np.concatenate([category[:, None], info], axis=1).astype(np.int64)
            tables.append(np.repeat(table, len(cameras), axis=0))
            splits[split] = np.arange(begin, begin := begin + len(images[-1]))
        found = np.concatenate(images)
        fields = _fields(folder, np.concatenate(tables))
        if len(cameras) == 2:
            fields["camera"] = Field(np.tile([0, 1], len(found) // 2), 2, ("left", "right"))
        return Images(found if self.size is None else resized(found, self.size), fields, splits)


def _find(folder: Path, name: str) -> Path:
    found = next((p for n in (f"{name}.gz", name) if (p := folder / n).is_file()), None)
    if found is None:
        raise DataError(f"{folder} has no {name} (nor .gz)", hint="unbraid data get smallnorb")
    return found


def _fields(folder: Path, table: np.ndarray) -> dict[str, Field]:
    fields = {}
    for column, (name, count, step) in zip(table.T, (("category", len(CATEGORIES), 1), *INFO), strict=True):
        if column.min() < 0 or column.max() >= count * step or (column % step).any():
            raise DataError(f"{folder}: the field {name} goes from {column.min()} to {column.max()}, expected 0 ... "
                            f"{(count - 1) * step} in steps of {step}")
        names = {"category": CATEGORIES, "elevation": tuple(str(30 + 5 * i) for i in range(count)),
                 "azimuth": tuple(str(20 * i) for i in range(count))}.get(name)
        fields[name] = Field(column // step, count, names)
    return fields
