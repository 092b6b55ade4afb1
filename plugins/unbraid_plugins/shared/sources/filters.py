"""Selection of the images whose fields have given values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from unbraid import DataError, Field, Images


def chosen(images: Images, only: Mapping[str, str | int]) -> Images:
    """Return the images whose fields have these values (names or numbers of classes), in memory, without these fields.

    Raises DataError for an unknown field or value, and where no image is left.
    """
    rows = np.arange(len(images))
    for name, value in only.items():
        if name not in images.fields:
            raise DataError(f"only: no field {name!r}; there is {', '.join(images.fields) or 'none'}")
        rows = rows[images.fields[name].values[rows] == _class(images.fields[name], name, value)]
    if not len(rows):
        raise DataError(f"only: no image has {', '.join(f'{n}: {v}' for n, v in only.items())} together")
    splits = images.splits and {split: np.flatnonzero(np.isin(rows, kept)) for split, kept in images.splits.items()}
    fields = {name: field.take(rows) for name, field in images.fields.items() if name not in only}
    keys = None if images.keys is None else images.keys[rows]
    return Images(images.read(rows), fields, splits, images.notes, keys)


def _class(field: Field, name: str, value: str | int) -> int:
    if field.classes is None:
        raise DataError(f"only: {name!r} has numbers, not classes")
    if isinstance(value, str) and field.names and value in field.names:
        return field.names.index(value)
    if isinstance(value, int) and 0 <= value < field.classes:
        return value
    known = ", ".join(field.names) if field.names else f"0 ... {field.classes - 1}"
    raise DataError(f"only: {name} has no class {value!r}; it has {known}")
