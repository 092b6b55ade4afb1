"""Opening of HDF5 files by h5py, which is an extra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from unbraid import DataError, open_file


@contextmanager
def opened_hdf5(path: Path) -> Iterator[Any]:
    """Open an HDF5 file to read it.  Raises DataError, also without h5py."""
    try:
        import h5py
    except ImportError:
        raise DataError(f"{path} is an HDF5 file, which h5py reads", hint="pip install 'unbraid[data]'") from None
    try:
        with open_file(path) as file, h5py.File(file, "r") as opened:
            yield opened
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise DataError(f"{path}: not a whole HDF5 file of this set: {error}",
                        hint="fetch it again, with: unbraid data get") from None


def dataset(opened: Any, name: str, kind: str, dimensions: int) -> Any:
    """Return an array in an HDF5 file, which is not read yet.

    kind: the kinds of numbers that it may hold, as in `numpy.dtype.kind`.

    Raises ValueError where it is not there, is of another form, or lies in another file.
    """
    import h5py

    group, _, last = name.rpartition("/")
    parent = opened[group] if group else opened
    if not isinstance(parent, h5py.Group) or not isinstance(parent.get(last, getlink=True), h5py.HardLink):
        raise ValueError(f"it has no array {name!r}; there is {', '.join(opened) or 'nothing'}")
    found = parent[last]
    if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual or (
            np.dtype(found.dtype).kind not in kind or len(found.shape) != dimensions):
        raise ValueError(f"the array {name!r} is of another form")
    return found
