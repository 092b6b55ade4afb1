"""Factors of images that are in the order of all combinations, the last factor fastest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from unbraid import DataError, Field


def grid_fields(sizes: Mapping[str, int], count: int) -> dict[str, Field]:
    """Return the field of each factor for `count` images.  sizes: factor -> its number of values.  Raises DataError.

    Image i has the digits of i in the number system with these bases.
    """
    if math.prod(sizes.values()) != count:
        raise DataError(f"{count:,} images are not all combinations of {' x '.join(map(str, sizes.values()))} values")
    indices = np.unravel_index(np.arange(count), tuple(sizes.values()))
    return {name: Field(index.astype(np.int64), sizes[name]) for name, index in zip(sizes, indices, strict=True)}


def value_fields(values: np.ndarray, names: Sequence[str]) -> dict[str, Field]:
    """Return the fields of factors that are given as numbers (N, F): class i is the i-th value from the smallest.

    Names of classes are the values.  Raises DataError.
    """
    if values.ndim != 2 or values.shape[1] != len(names) or not np.isfinite(values).all():
        raise DataError(f"the values of its factors are {values.shape}, expected (N, {len(names)}) finite numbers")
    fields = {}
    for name, column in zip(names, values.T, strict=True):
        found, index = np.unique(column, return_inverse=True)
        fields[name] = Field(index.reshape(-1).astype(np.int64), len(found), tuple(f"{v:.4g}" for v in found)
                             if len({f"{v:.4g}" for v in found}) == len(found) else None)
    return fields
