"""Numbers that follow what a picture is, wherever it lies, so that splits do so too.

A file is known by its size, its beginning and its end: not by its name, its folder or how it is decoded. A row of an
array is known by its bytes. Copies share a number, so no picture is tested that was trained on under another name.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np

from unbraid import open_file

ENDS = 4096                                        # bytes at both ends of a file: headers, and the last pixels
FEW = 10                                           # different pictures, too few to be split with all of their copies


def key_of_file(path: Path) -> int:
    """Return the checksum of a file's size, beginning and end; 0 where it can't be read."""
    try:
        with open_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            number = zlib.crc32(file.read(ENDS), size & 0xFFFFFFFF)
            file.seek(max(ENDS, size - ENDS))
            return zlib.crc32(file.read(ENDS), number)
    except OSError:
        return 0


def keys_of_rows(array: np.ndarray) -> np.ndarray:
    """Return a number for each row of an array, uint64 (N,)."""
    checksums = (zlib.crc32(np.ascontiguousarray(row).data) for row in array)
    return keys_of_checksums(np.fromiter(checksums, np.uint64, len(array)))


def keys_of_checksums(checksums: np.ndarray) -> np.ndarray:
    """Return numbers for splits, uint64 (N,): the checksums; where only few differ, copies are counted too.

    >>> keys_of_checksums(np.array([7, 5, 7])) & np.uint64(0xFFFFFFFF)
    array([0, 0, 1], dtype=uint64)
    """
    order = np.argsort(checksums, kind="stable")
    ordered = checksums[order]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    if len(begins) >= FEW:
        return checksums.astype(np.uint64)
    count = np.arange(len(ordered)) - np.repeat(begins, np.diff([*begins, len(ordered)]))
    found = np.empty(len(ordered), np.uint64)
    found[order] = ordered.astype(np.uint64) << np.uint64(32) | count.astype(np.uint64)
    return found
