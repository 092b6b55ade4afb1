"""Decoded pictures that are kept: every picture is decoded once, and then read from a memory-mapped file in the cache.

The folder of a set has three files, one row for each picture: its pixels; a checksum of them, 0 until they are there;
and what its file was like (size, time of change, checksum of its ends). A row is written before its checksum, and
counts only if both agree, so a process or a machine that is killed costs no more than the rows that it was writing.
Processes may share a set: they write the same bytes to the same places.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import warnings
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from filelock import FileLock

from unbraid_plugins.shared.metrics.cache import ABANDONED, cache_folder

FORMAT = 1                                         # another one begins anew
LARGEST = 16 << 30                                 # bytes that are kept without being asked
MARK = np.uint64(1 << 32)                          # in a checksum: the row was written
ROW = np.dtype([("size", "<u8"), ("changed", "<u8"), ("ends", "<u4"), ("several", "<u4")])
LOOKED = 1 << 1                                    # in `several`: the file was looked at; 1: it has several pictures

Decode = Callable[[np.ndarray], np.ndarray]


@attrs.define(eq=False)
class KeptPictures:
    """Lazy images (N, C, H, W) that `decode` reads, each of them once.

    places: (N,) rows of the set's files.
    """

    folder: Path
    shape: tuple[int, int, int, int]
    decode: Decode = attrs.field(repr=False)
    places: np.ndarray = attrs.field(repr=False)
    _pixels: np.ndarray = attrs.field(init=False, repr=False)
    _checks: np.ndarray = attrs.field(init=False, repr=False)
    _sure: np.ndarray = attrs.field(init=False, repr=False)          # whose checksums this process has compared
    _files: dict[str, Any] = attrs.field(init=False, factory=dict, repr=False)

    def __attrs_post_init__(self) -> None:
        self._pixels = np.memmap(self.folder / "pixels", np.uint8, "r").reshape(-1, *self.shape[1:])
        self._checks = np.memmap(self.folder / "checks", np.uint64, "r")
        self._sure = np.zeros(len(self._checks), bool)
        self._files = {name: open(self.folder / name, "r+b", buffering=0) for name in ("pixels", "checks")}  # noqa: SIM115

    def __del__(self) -> None:
        for file in self._files.values():
            file.close()

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Read the pictures of these rows, uint8 (len(rows), C, H, W); those that are not kept yet are decoded."""
        places = self.places[rows]
        there = self._checks[places] != 0
        if there.all() and self._sure[places].all():
            return self._pixels[places]
        found = np.empty((len(rows), *self.shape[1:]), np.uint8)
        found[there] = self._pixels[places[there]]
        for i in np.flatnonzero(there & ~self._sure[places]):
            there[i] = self._checks[places[i]] == _check(found[i])
            self._sure[places[i]] = there[i]
        if not there.all():
            found[~there] = fresh = self.decode(rows[~there])
            for place, picture in zip(places[~there], fresh, strict=True):
                self._keep(int(place), picture)
        return found

    def _keep(self, place: int, picture: np.ndarray) -> None:
        if not self._files:
            return
        try:
            content = picture.tobytes()
            _write(self._files["pixels"], content, place * len(content))
            _write(self._files["checks"], _check(picture).tobytes(), place * 8)
            self._sure[place] = True
        except OSError as error:
            files, self._files = self._files, {}
            for file in files.values():
                file.close()
            warnings.warn(f"decoded pictures are no longer kept in {self.folder}: {error.strerror}; the others are "
                          "decoded each time", stacklevel=2)


def _check(picture: np.ndarray) -> np.uint64:
    return MARK | np.uint64(zlib.crc32(np.ascontiguousarray(picture).data))


def _write(file: Any, content: bytes, at: int) -> None:
    """Write at a place of a file, which several threads do at once."""
    while content:                                 # a disk that is nearly full takes only a part
        done = os.pwrite(file.fileno(), content, at)
        content, at = content[done:], at + done


@attrs.define(eq=False)
class KeptSet:
    """The folder of a set of files, and facts about each of them.  rows: (N,) of the type ROW."""

    folder: Path
    rows: np.ndarray
    bytes: int

    def known(self, statuses: Sequence[os.stat_result]) -> np.ndarray:
        """Return (N,) booleans: whether a file was looked at and is as it was then."""
        return (self.rows["several"] & LOOKED > 0) & (self.rows["size"] == [s.st_size for s in statuses]) & (
            self.rows["changed"] == [s.st_mtime_ns for s in statuses])

    def decoded(self) -> np.ndarray:
        """Return (N,) booleans: whose pixels are kept, so that the file is whole."""
        return np.fromfile(self.folder / "checks", np.uint64) != 0

    def note(self, changed: np.ndarray, statuses: Sequence[os.stat_result], ends: np.ndarray,
             several: np.ndarray) -> None:
        """Write what was found of files that are new or changed; their pixels count no longer."""
        with open(self.folder / "checks", "r+b", buffering=0) as checks:
            for row in changed:
                _write(checks, bytes(8), int(row) * 8)
        for row in changed:
            self.rows[row] = (statuses[row].st_size, statuses[row].st_mtime_ns, ends[row], LOOKED | bool(several[row]))
        scratch = self.folder / f"rows-{os.getpid()}"
        scratch.write_bytes(self.rows.tobytes())
        os.replace(scratch, self.folder / "rows")


def kept_set(root: Path, paths: Sequence[Path], shape: tuple[int, int, int, int], settings: str) -> KeptSet:
    """Open the set of these files in the cache, or begin it.  Raises OSError, RuntimeError without a home folder.

    settings: whatever the pixels depend on besides the files.

    Other sets of the same folder and settings that nobody has used for a day are removed.
    """
    count, size = len(paths), int(np.prod(shape[1:]))
    named = hashlib.sha256(f"{FORMAT} {root.resolve()} {shape[1:]} {settings}".encode()).hexdigest()[:12]
    listed = hashlib.sha256("\0".join(map(str, paths)).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    folder = cache_folder() / "pictures" / f"{named}-{listed}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{named}.lock"):                 # two processes may begin a set at once
        try:
            rows = np.frombuffer((folder / "rows").read_bytes(), ROW).copy()
            whole = [(folder / name).stat().st_size for name in ("pixels", "checks")] == [count * size, count * 8]
        except (OSError, ValueError):
            rows, whole = np.zeros(0, ROW), False
        if len(rows) != count or not whole:
            rows = np.zeros(count, ROW)
            _begin(folder, {"pixels": count * size, "checks": count * 8, "rows": rows.nbytes})
        os.utime(folder)
    return KeptSet(folder, rows, count * size)


def _begin(folder: Path, sizes: dict[str, int]) -> None:
    for other in folder.parent.glob(f"{folder.name.partition('-')[0]}-*"):
        if other == folder or time.time() - other.stat().st_mtime > ABANDONED:
            shutil.rmtree(other, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in sizes.items():
        with open(folder / name, "wb") as file:
            file.truncate(size)                    # takes no room before it is written


def affordable(size: int) -> str:
    """Return why this number of bytes is not kept without being asked; empty if it is."""
    if not hasattr(os, "pwrite"):
        return "this system can't write at a place of a file"
    if size > LARGEST:
        return f"they would take {size / 2**30:.0f} GiB"
    try:
        folder = cache_folder()
    except RuntimeError as error:
        return str(error)
    there = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(there).free
    return f"only {free / 2**30:.0f} GiB are free in {there}" if free < 2 * size else ""
