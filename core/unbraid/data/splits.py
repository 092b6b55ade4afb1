"""Splits of a source into images to train and to test with: declared, the same for every run, and never mixed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from unbraid.data.errors import DataError
from unbraid.data.images import Field, Images


def split_rows(images: Images, shares: Mapping[str, float], by: str | None = None) -> dict[str, np.ndarray]:
    """Return the rows of each split, in order.

    The source's own splits win. Otherwise rows are ordered by a hash of their number and cut by the shares. With `by`
    (for clips by default `clip`), the values of that factor are ordered and cut, so that no two splits share a value.
    Raises DataError for invalid shares, and for own splits that overlap.
    """
    if images.splits is not None:
        own = {name: np.unique(rows.astype(np.int64)) for name, rows in images.splits.items()}
        if len(np.unique(np.concatenate([*own.values()]))) < sum(len(rows) for rows in own.values()):
            raise DataError("the source's own splits have images in common")
        return own
    if any(s < 0 for s in shares.values()) or not 0 < sum(shares.values()) <= 1 + 1e-6:
        raise DataError(f"the shares of the splits must lie in 0 ... 1 and add up to at most 1; found {dict(shares)}")
    if by is None and images.has_clips:
        by = "clip"
    group = np.arange(len(images)) if by is None else _groups(images.fields[by])
    count = int(group.max()) + 1
    rank = np.empty(count, np.int64)
    rank[np.argsort(_hash(np.arange(count)), kind="stable")] = np.arange(count)
    ends = _ends(count, list(shares.values()))
    place = np.searchsorted(ends, rank, side="right")[group]
    return {name: np.flatnonzero(place == i) for i, name in enumerate(shares)}


def _ends(count: int, shares: list[float]) -> np.ndarray:
    """Return the end of each split in `count` things: by its share, but at least one each where there are enough."""
    ends = np.rint(np.cumsum(shares) * count).astype(np.int64)
    wanted = [s > 0 for s in shares]
    if count >= sum(wanted):
        for i in range(len(shares)):
            ends[i] = max(ends[i], (ends[i - 1] if i else 0) + wanted[i])
        for i in reversed(range(len(shares))):
            ends[i] = min(ends[i], count - sum(wanted[i + 1:]))
    return ends


def _groups(field: Field) -> np.ndarray:
    values = field.values.reshape(len(field.values), -1)
    return np.unique(values, axis=0, return_inverse=True)[1].reshape(-1)


def _hash(numbers: np.ndarray) -> np.ndarray:
    """Return Splitmix64 (Steele, Lea, Flood 2014) of whole numbers, uint64."""
    z = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
