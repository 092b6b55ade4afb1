"""Arrays that are saved in parts, as Keras has its data: x_train, y_train, x_test, y_test are `x`, `y` and `split`."""

from __future__ import annotations

import re

import numpy as np

from unbraid import DataError
from unbraid_plugins.shared.sources.npz_file import Header, NpzFile
from unbraid_plugins.shared.sources.picture_search import SPLITS

_PART = re.compile(rf"(?:(.*)_)?({'|'.join(SPLITS)})(?:_(?:set_)?(.*))?")


class JoinedFile(NpzFile):
    """A file whose arrays come in parts, `x_train` or `train_images`, seen as one with whole arrays and their split."""

    def __init__(self, file: NpzFile, parts: dict[str, dict[str, str]], images: str) -> None:
        self.path, self.limit, self.read_bytes = file.path, file.limit, 0
        self.file, self.parts, self.objects = file, parts, file.objects
        self.rows = {split: file.headers[name].shape[0] for split, name in parts[images].items()}
        taken = {name for by_split in parts.values() for name in by_split.values()}
        self.headers = {name: header for name, header in file.headers.items() if name not in taken}
        self.headers |= {name: self._whole(name) for name in parts}
        self.headers["split"] = Header((sum(self.rows.values()),), np.dtype("U8"))

    def _whole(self, name: str) -> Header:
        found = {split: self.file.headers[own] for split, own in self.parts[name].items()}
        first = next(iter(found.values()))
        if any(h.shape[1:] != first.shape[1:] or not h.shape for h in found.values()):
            shapes = ", ".join(f"{self.parts[name][split]} {h.shape}" for split, h in found.items())
            raise DataError(f"the parts of {name} have different forms: {shapes}",
                            hint="save them alike, or name the images of one part in the option `images`")
        return Header((sum(h.shape[0] for h in found.values()), *first.shape[1:]), first.dtype)

    def _array(self, name: str) -> np.ndarray:
        if name == "split":
            return np.repeat(np.array(list(self.rows)), list(self.rows.values()))
        if name in self.parts:
            return np.concatenate([self.file.read(self.parts[name][split]) for split in self.rows])
        return self.file.read(name)


def joined(file: NpzFile, images: tuple[str, ...]) -> NpzFile:
    """Return a file with arrays in parts as a `JoinedFile`, where they are images; any other file as it is.

    images: the names that images may have.
    """
    parts: dict[str, dict[str, str]] = {}
    for name in file.headers:
        if found := _PART.fullmatch(name.lower()):
            base = "_".join(part for part in (found[1], found[3]) if part)
            parts.setdefault(base or "images", {})[SPLITS[found[2]]] = name
    key = next((name for name in images if len(parts.get(name, ())) > 1), None)
    if key is None:
        return file
    order = [split for split in dict.fromkeys(SPLITS.values()) if split in parts[key]]
    whole = {name: {split: own[split] for split in order} for name, own in parts.items() if {*order} <= own.keys()}
    return JoinedFile(file, whole, key)
