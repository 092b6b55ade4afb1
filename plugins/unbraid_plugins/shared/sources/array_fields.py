"""The meaning of arrays beside images: classes, numbers, names; a note tells each guess."""

from __future__ import annotations

import keyword
import re

import numpy as np

from unbraid import DataError, Field

LONGEST = 200                                      # characters of a field's name: readers of results take no more
_MANY = 10_000                                     # class numbers beyond this are renumbered


def texts(array: np.ndarray) -> np.ndarray:
    """Return text, also of bytes (as h5py writes them); bytes that are no UTF-8 are escaped."""
    if array.dtype.kind != "S":
        return array.astype(str)
    return np.asarray([b.decode("utf-8", "backslashreplace") for b in array.reshape(-1)], str).reshape(array.shape)


def usable_name(name: str) -> str:
    """Return a name that an expression can use: `_5_o_Clock_Shadow`.  Raises DataError for one that is too long."""
    if len(name) > LONGEST:
        raise DataError(f"the name {name[:40]!r}... has {len(name):,} characters",
                        hint=f"rename the array or the factor: a field's name has at most {LONGEST}")
    name = re.sub(r"\W", "_", name) or "_"
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"_{name}"


def meaning(name: str, values: np.ndarray, label: bool, notes: list[str]) -> np.ndarray:
    """Return the values as they are meant: one column as (N,), one-hot labels and whole floats as classes.

    label: whether they are labels or factors, and so classes wherever they can be.
    """
    if values.ndim > 1 and values.shape[1:] == (1,) * (values.ndim - 1):
        values = values.reshape(-1)
    if values.dtype.kind == "S":
        return texts(values)
    if not label or values.dtype.kind not in "buif" or not len(values):
        return values
    if values.ndim == 2 and values.shape[1] > 1 and _one_hot(values):
        notes.append(f"{name}: one-hot rows are read as {values.shape[1]} classes")
        return values.argmax(1)
    if values.dtype.kind == "f" and _whole(values):
        notes.append(f"{name}: floats that are whole numbers are read as classes")
        return np.where(np.isnan(values), -1, values).astype(np.int64)
    return values


def classes(name: str, values: np.ndarray, label: bool, names: tuple[str, ...] | None, least: int,
            notes: list[str]) -> Field | None:
    """Return the field of whole numbers (N,) that are classes, -1 where unknown; None for plain numbers.

    names: of the classes, if the file has as many.  least: how many classes there are at least.
    """
    found = np.unique(values)
    if found.tolist() == [-1, 1] and names is None:                  # as CelebA has its attributes
        notes.append(f"{name}: -1 and 1 are read as two classes")
        return Field((values > 0).astype(np.int64), 2, ("-1", "1"))
    lowest, highest = (int(found[0]), int(found[-1])) if len(found) else (0, 0)
    if lowest < -1:
        if not label:
            return None
        notes.append(f"{name}: numbers below -1 are read as {len(found)} classes; none is unknown")
        return Field(np.searchsorted(found, values), len(found), tuple(str(k) for k in found))
    names = names if names is not None and len(names) > highest else None
    if names is None and highest > max(_MANY, 2 * len(values)):
        kept = found[found >= 0]
        return Field(np.where(values >= 0, np.searchsorted(kept, values), -1), len(kept), tuple(str(k) for k in kept))
    return Field(values.astype(np.int64), len(names) if names else max(highest + 1, least), names)


def splits_of(values: np.ndarray, count: int, names: np.ndarray | None) -> dict[str, np.ndarray]:
    """Return the rows by split.  values: the names of the splits, or their numbers with `names`.  Raises DataError."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (count,):
        raise DataError(f"the array 'split' has the shape {values.shape} for {count} images",
                        hint="give one name (train, test) per image, or save the file without it")
    if values.dtype.kind in "iu" and names is not None and 0 <= values.min() <= values.max() < len(names):
        values = texts(names)[values]
    if values.dtype.kind not in "US":
        raise DataError(f"the array 'split' holds {values.dtype}, not the names of splits",
                        hint="""save names, as split=np.where(is_test, "test", "train"), or save the file without it""")
    values = np.char.strip(texts(values))
    if (values == "").any():
        raise DataError(f"the array 'split' is empty for {int((values == '').sum())} images",
                        hint="name the split of every image: train, test")
    known = np.isin(np.char.lower(values), ("train", "test", "val"))
    values = np.where(known, np.char.lower(values), values)
    return {name: np.flatnonzero(values == name) for name in dict.fromkeys(values.tolist())}


def _one_hot(values: np.ndarray) -> bool:
    return bool(np.isin(values, (0, 1)).all() and (values.sum(1) == 1).all())


def _whole(values: np.ndarray) -> bool:
    known = values[~np.isnan(values)]
    return bool(len(known) and (known == np.rint(known)).all() and abs(known).max() < 2 ** 53)
