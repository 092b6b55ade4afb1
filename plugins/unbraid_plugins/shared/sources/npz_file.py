"""Safe reading of .npz files from anywhere: headers first, never pickled, never more bytes than they claim."""

from __future__ import annotations

import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any

import attrs
import numpy as np

from unbraid import DataError, open_file

MOST_ARRAYS = 1_000                                # each is looked up in the archive's table


@attrs.frozen
class Header:
    """Shape and type that an array in the file claims to have."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def bytes(self) -> int:
        """The size in memory, in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


class NpzFile:
    """The arrays of an .npz file.  limit: the most bytes that may be read from it.  Raises DataError."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path, self.limit, self.read_bytes = path, limit, 0
        self.headers: dict[str, Header] = {}
        self.objects: list[str] = []               # arrays of Python objects: never read
        with self._reading(), open_file(path) as file, zipfile.ZipFile(file) as archive:
            if len(archive.infolist()) > MOST_ARRAYS:
                raise ValueError(f"it has {len(archive.infolist()):,} arrays, more than {MOST_ARRAYS:,}")
            for info in archive.infolist():
                if info.filename.endswith(".npy"):
                    with archive.open(info) as member:
                        self._note(info, *_header(member))

    def __contains__(self, name: str) -> bool:
        return name in self.headers

    def read(self, name: str) -> np.ndarray:
        """Read the array with this name."""
        header = self.headers[name]
        self.read_bytes += header.bytes
        if self.read_bytes > self.limit:
            raise DataError(f"{self.path}: its arrays claim {self.read_bytes / 2 ** 30:.1f} GiB, more than "
                            f"{self.limit / 2 ** 30:.1f} GiB ({name}: {header.shape} {header.dtype})",
                            hint="raise the option `limit` (in GiB) if that is right")
        with (self._reading(name), open_file(self.path) as file, zipfile.ZipFile(file) as archive,
              archive.open(f"{name}.npy") as member):
            array = np.lib.format.read_array(member, allow_pickle=False)
            if member.read(1):
                raise ValueError("there is more in it than its header says")
        return array

    def _note(self, info: zipfile.ZipInfo, shape: tuple[int, ...], dtype: np.dtype) -> None:
        name = info.filename.removesuffix(".npy")
        if dtype.hasobject:
            self.objects.append(name)
        else:
            self.headers[name] = Header(shape, dtype)
            if self.headers[name].bytes > info.file_size:
                raise ValueError(f"the array {name!r} claims {shape} {dtype}, but has only {info.file_size:,} bytes")

    @contextmanager
    def _reading(self, name: str = "") -> Iterator[None]:
        of = f"{self.path}{f', array {name!r}' if name else ''}"
        try:
            yield
        except DataError:
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, SyntaxError, TokenError, TypeError,
                KeyError, OverflowError, struct.error, NotImplementedError, RuntimeError, MemoryError) as error:
            raise DataError(f"{of}: not a whole .npz file: {error}",
                            hint="fetch it again, or write it with numpy.savez_compressed") from error


def _header(member: Any) -> tuple[tuple[int, ...], np.dtype]:
    """Read the shape and type of an array from the first bytes of its file."""
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(member)
    else:
        raise ValueError(f"version {version} of the format is unknown")
    if any(n < 0 for n in shape):
        raise ValueError(f"a shape {shape}")
    return shape, dtype
