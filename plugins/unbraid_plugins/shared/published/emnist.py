"""EMNIST (Cohen et al. 2017): handwritten letters and digits, in the archive in which NIST published them."""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import BinaryIO, cast

import attrs
import numpy as np

from unbraid import DataError, Field, Images, open_file, source
from unbraid_plugins.shared.published.zipped_pictures import DAMAGED
from unbraid_plugins.shared.sources.idx import DENSEST, read_idx_stream
from unbraid_plugins.shared.sources.sizes import check_size, existing, resized

PARTS = ("balanced", "byclass", "bymerge", "digits", "letters", "mnist")
MOST_PACKED, MOST_MAPPING = 1 << 30, 1 << 16       # bytes of a member


@source
@attrs.frozen(kw_only=True)
class Emnist:
    """EMNIST (Cohen et al. 2017), in `gzip.zip`; grey, white strokes on black, turned upright.

    The images of the files lie on their side. The splits are train and test; the field `label` has the names of the
    part's mapping, such as `7` or `A/a`.

    path: the archive.
    part: balanced (47 classes), byclass (62), bymerge (47), digits, letters (26) or mnist.
    """

    path: str
    part: str = attrs.field(default="balanced", validator=attrs.validators.in_(PARTS))
    size: int | tuple[int, int] | None = attrs.field(default=None, validator=check_size)

    def open(self) -> Images:
        """Return the characters and their labels."""
        path = existing(self.path, folder=False)
        begin = f"gzip/emnist-{self.part}-"
        try:
            with open_file(path) as file, zipfile.ZipFile(file) as archive:
                mapping = _member(archive, f"{begin}mapping.txt", MOST_MAPPING).decode("ascii")
                read = {split: [_idx(archive, f"{begin}{split}-{kind}-ubyte.gz", dimensions)
                                for kind, dimensions in (("images-idx3", 3), ("labels-idx1", 1))]
                        for split in ("train", "test")}
        except DataError as error:
            raise DataError(f"{path}, {error.message}", hint=error.hint) from None
        except DAMAGED as error:
            raise DataError(f"{path}: {error or type(error).__name__}", hint="unbraid data get emnist") from None
        images = np.concatenate([images for images, _ in read.values()]).swapaxes(1, 2)[:, None]
        labels = np.concatenate([labels for _, labels in read.values()]).astype(np.int64)
        if len(images) != len(labels):
            raise DataError(f"{path}: {len(images):,} images have {len(labels):,} labels", hint="fetch it again")
        codes = {int(code): "/".join(map(chr, map(int, letters)))
                 for code, *letters in map(str.split, mapping.splitlines()) if letters}
        if unknown := {*np.unique(labels).tolist()} - codes.keys():
            raise DataError(f"{path}: the label {min(unknown)} is not in {begin}mapping.txt", hint="fetch it again")
        known = np.asarray(sorted(codes))
        field = Field(np.searchsorted(known, labels), len(known), tuple(codes[c] for c in known.tolist()))
        count = len(read["train"][0])
        splits = {"train": np.arange(count), "test": np.arange(count, len(images))}
        return Images(np.ascontiguousarray(images) if self.size is None else resized(images, self.size),
                      {"label": field}, splits)


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    found = archive.getinfo(name)
    if found.file_size > most:
        raise ValueError(f"{name} has {found.file_size:,} bytes, more than {most:,}")
    return archive.read(found)


def _idx(archive: zipfile.ZipFile, name: str, dimensions: int) -> np.ndarray:
    packed = _member(archive, name, MOST_PACKED)
    with gzip.open(io.BytesIO(packed)) as file:
        return read_idx_stream(name, cast(BinaryIO, file), dimensions, len(packed) * DENSEST)
