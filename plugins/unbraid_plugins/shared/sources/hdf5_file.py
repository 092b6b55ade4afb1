"""Arrays of HDF5 files from anywhere, by h5py: none that lies in another file, never more bytes than `limit`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from unbraid import DataError, open_file
from unbraid_plugins.shared.sources.npz_file import MOST_ARRAYS, Header, NpzFile

ENDINGS = (".h5", ".hdf5", ".hdf")
TEXTS_AT_ONCE = 4096


@contextmanager
def opened_hdf5(path: Path, what: str = "", hint: str = "fetch it again, or write it with h5py") -> Iterator[Any]:
    """Open an HDF5 file to read it.  what: whose file it should be.  Raises DataError, also without h5py."""
    try:
        import h5py
    except ImportError:
        raise DataError(f"{path} is an HDF5 file, which h5py reads", hint="pip install 'unbraid[data]'") from None
    try:
        with open_file(path) as file, h5py.File(file, "r") as opened:
            yield opened
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise DataError(f"{path}: not a whole HDF5 file{what}: {error}", hint=hint) from None


class Hdf5File(NpzFile):
    """The arrays of an HDF5 file, under their names; those in groups as group_name.  Raises DataError."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path, self.limit, self.read_bytes = path, limit, 0
        self.headers, self.objects = {}, []
        self.places: dict[str, str] = {}
        with opened_hdf5(path) as opened:
            for place in self._places(opened):
                dtype, name = opened[place].dtype, place.replace("/", "_")
                if _is_text(dtype):
                    dtype = np.dtype("U1")         # how long, only its text tells
                if dtype.kind not in "biufUS":
                    self.objects.append(name)
                elif name in self.headers:
                    raise ValueError(f"two of its arrays would have the name {name!r}")
                else:
                    self.headers[name], self.places[name] = Header(opened[place].shape, dtype), place

    def _array(self, name: str) -> np.ndarray:
        with opened_hdf5(self.path) as opened:
            found = opened[self.places[name]]
            return self._texts(found) if _is_text(found.dtype) else found[()]

    def _texts(self, found: Any) -> np.ndarray:
        """Return texts of any length, read in parts: a file may name one long text a million times."""
        texts: list[str] = []
        for begin in range(0, len(found) if found.ndim == 1 else 0, TEXTS_AT_ONCE):
            texts.extend(found.asstr(errors="backslashreplace")[begin:begin + TEXTS_AT_ONCE])
            if 4 * len(texts) * max(map(len, texts[begin:])) > self.limit:
                raise ValueError(f"the texts in {found.name} are longer than `limit` allows")
        return np.array(texts, str)

    @staticmethod
    def _places(opened: Any) -> list[str]:
        """Return the arrays that lie in the file itself: links to other files are not followed, circles harmless."""
        import h5py

        places: list[str] = []
        waiting = [""]
        while waiting:
            prefix = waiting.pop()
            group = opened[prefix] if prefix else opened
            for key in group:
                place = f"{prefix}/{key}" if prefix else key
                if not isinstance(group.get(key, getlink=True), h5py.HardLink) or place.count("/") > 8:
                    continue
                kind = group.get(key, getclass=True)
                if kind is h5py.Group:
                    waiting.append(place)
                elif kind is h5py.Dataset and not (opened[place].external or opened[place].is_virtual):
                    places.append(place)
                if len(places) + len(waiting) > MOST_ARRAYS:
                    raise ValueError(f"it has more than {MOST_ARRAYS:,} arrays")
        return sorted(places)


def _is_text(dtype: Any) -> bool:
    import h5py

    text = h5py.check_string_dtype(dtype)
    return text is not None and text.length is None
