"""IDX files, the format of MNIST (LeCun, Cortes, Burges)."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import attrs
import numpy as np

from unbraid import DataError, Field, Images, open_file, source
from unbraid_plugins.shared.sources.sizes import check_size, existing, resized

LIMIT = 2 ** 32                                    # bytes that a file may claim to hold
DENSEST = 1032                                     # bytes that deflate packs into one
_STANDARD = {"train": "train", "test": "t10k"}


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Read the unsigned bytes of an IDX file (or .gz of one) with this many dimensions.  Raises DataError."""
    try:
        with open_file(path) as file:
            packed = path.suffix == ".gz"
            limit = os.fstat(file.fileno()).st_size * (DENSEST if packed else 1)
            return read_idx_stream(path, cast(BinaryIO, gzip.open(file)) if packed else file, dimensions, limit)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: not a whole .gz file: {error}", hint="fetch it again") from error


def read_idx_stream(path: Path | str, file: BinaryIO, dimensions: int, limit: int) -> np.ndarray:
    """Read unsigned bytes in the format IDX.  limit: the bytes that there may be.  Raises DataError."""
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] != 8:
        raise DataError(f"{path}: no IDX file of unsigned bytes; it begins with {head!r}",
                        hint="expected 00 00 08 and the number of dimensions")
    if head[3] != dimensions:
        raise DataError(f"{path}: has {head[3]} dimensions, expected {dimensions}",
                        hint="images have 3 dimensions and labels 1; are the files mixed up?")
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError(f"{path}: ends within its header", hint="the file is damaged; fetch it again")
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    size = math.prod(shape)
    if size > min(LIMIT, limit):
        raise DataError(f"{path}: claims to hold {' x '.join(map(str, shape))} bytes, more than can be in it",
                        hint="the file is damaged; fetch it again")
    content = file.read(size + 1)
    if len(content) != size:
        found = "more" if len(content) > size else f"only {len(content):,}"
        raise DataError(f"{path}: holds {found} bytes, its header says {size:,}",
                        hint="the file is damaged; fetch it again")
    return np.frombuffer(content, np.uint8).reshape(shape)


@source
@attrs.frozen(kw_only=True)
class Idx:
    """IDX files, the format of MNIST, packed with gzip or not.

    path: a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte (and t10k-...), which are the splits; or one
    file of images, with `labels` naming the file of labels.

    Images are grey; the field is `label`.
    """

    path: str
    labels: str | None = None
    size: int | tuple[int, int] | None = attrs.field(default=None, validator=check_size)

    def open(self) -> Images:
        """Return the images and their labels."""
        path = existing(self.path)
        if path.is_dir():
            return idx_folder(path, self.size)
        images = read_idx(path, 3)
        fields = {}
        if self.labels is not None:
            fields["label"] = _labels(existing(self.labels, "labels", folder=False), len(images))
        return _images(images, fields, None, self.size)


def idx_folder(folder: Path, size: int | tuple[int, int] | None) -> Images:
    """Read the standard files in a folder.  Raises DataError."""
    pictures, labels, splits, begin = [], [], {}, 0
    for split, prefix in _STANDARD.items():
        at = _find(folder, f"{prefix}-images-idx3-ubyte")
        if at is None:
            continue
        pictures.append(read_idx(at, 3))
        count = len(pictures[-1])
        label_file = _find(folder, f"{prefix}-labels-idx1-ubyte")
        labels.append(np.full(count, -1) if label_file is None else _labels(label_file, count).values)
        splits[split] = np.arange(begin, begin + count)
        begin += count
    if not pictures:
        raise DataError(f"{folder} has no train-images-idx3-ubyte (nor .gz)",
                        hint="set the option `path` to the folder with the IDX files, or to one of them")
    if len({p.shape[1:] for p in pictures}) > 1:
        raise DataError(f"{folder}: the two splits have images of different sizes")
    label = np.concatenate(labels).astype(np.int64)
    fields = {"label": Field(label, int(label.max()) + 1)} if label.max() >= 0 else {}
    return _images(np.concatenate(pictures), fields, splits, size)


def _find(folder: Path, name: str) -> Path | None:
    return next((p for n in (name, f"{name}.gz") if (p := folder / n).is_file()), None)


def _labels(path: Path, count: int) -> Field:
    labels = read_idx(path, 1).astype(np.int64)
    if len(labels) != count:
        raise DataError(f"{path}: has {len(labels):,} labels for {count:,} images")
    return Field(labels, int(labels.max()) + 1)


def _images(images: np.ndarray, fields: dict[str, Field], splits: dict[str, np.ndarray] | None,
            size: int | tuple[int, int] | None) -> Images:
    grey = images[:, None]
    return Images(grey if size is None else resized(grey, size), fields, splits)
