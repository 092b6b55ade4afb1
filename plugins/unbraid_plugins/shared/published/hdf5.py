"""Arrays in the HDF5 files of published sets."""

from __future__ import annotations

from typing import Any

import numpy as np


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
