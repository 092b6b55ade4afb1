"""Safe reading of .npz and .npy files from anywhere: headers first, never pickled, never more bytes than they claim."""

from __future__ import annotations

import math
import os
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
                        self._add(info.filename.removesuffix(".npy"), info.file_size, *_header(member))

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
        return self._array(name)

    def _array(self, name: str) -> np.ndarray:
        with (self._reading(name), open_file(self.path) as file, zipfile.ZipFile(file) as archive,
              archive.open(f"{name}.npy") as member):
            array = np.lib.format.read_array(member, allow_pickle=False)
            if member.read(1):
                raise ValueError("there is more in it than its header says")
        return array

    def _add(self, name: str, size: int, shape: tuple[int, ...], dtype: np.dtype) -> None:
        if name in self.headers or name in self.objects:
            raise ValueError(f"it has the array {name!r} twice")
        if dtype.hasobject:
            self.objects.append(name)
        else:
            self.headers[name] = Header(shape, dtype)
            if self.headers[name].bytes > size:
                raise ValueError(f"the array {name!r} claims {shape} {dtype}, but has only {size:,} bytes")

    @contextmanager
    def _reading(self, name: str = "") -> Iterator[None]:
        of = f"{self.path}{f', array {name!r}' if name else ''}"
        try:
            yield
        except DataError:
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, SyntaxError, TokenError, TypeError,
                KeyError, OverflowError, struct.error, NotImplementedError, RuntimeError, MemoryError) as error:
            raise DataError(f"{of}: not a whole {'.npz' if self.path.suffix == '.npz' else 'NumPy'} file: {error}",
                            hint="fetch it again, or write it with numpy.savez_compressed") from error


class NpyFiles(NpzFile):
    """The arrays of a folder of .npy files, under their names; or one file, as `images`.  Raises DataError."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path, self.limit, self.read_bytes = path, limit, 0
        self.headers, self.objects = {}, []
        self.files = {f.stem: f for f in sorted(path.glob("*.npy"))} if path.is_dir() else {"images": path}
        if not self.files:
            raise DataError(f"there are no .npy files in {path}", hint="for a folder of pictures use `type: folder`")
        if len(self.files) > MOST_ARRAYS:
            raise DataError(f"{path} has {len(self.files):,} .npy files, more than {MOST_ARRAYS:,}",
                            hint="put the images into one array")
        for name, found in self.files.items():
            with self._reading(name), open_file(found) as file:
                self._add(name, os.fstat(file.fileno()).st_size, *_header(file))

    def _array(self, name: str) -> np.ndarray:
        with self._reading(name), open_file(self.files[name]) as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
            if file.read(1):
                raise ValueError("there is more in it than its header says, maybe a second array")
        return array


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
