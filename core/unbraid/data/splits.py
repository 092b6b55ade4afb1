"""Splits of a source into images to train and to test with: declared, the same for every run, and never mixed."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np

from unbraid.data.errors import DataError
from unbraid.data.images import Field, Images


def split_rows(images: Images, shares: Mapping[str, float], by: str | None = None,
               cuts: tuple[float, ...] | None = None) -> tuple[dict[str, np.ndarray], tuple[float, ...]]:
    """Return the rows of each split, in order, and the cuts: between which places in [0, 1) each split lies.

    The source's own splits win. Otherwise images have places by a hash of their keys, or of their row numbers where the
    source has no keys, and are cut by the shares. With `by` (for clips by default `clip`), the values of that factor
    have places, so that no two splits share a value.
    cuts: those of an earlier call, by which every picture stays in its split whatever was added or removed; () cuts
    rows by their numbers, which have no cuts.
    Raises DataError for invalid shares, and for own splits that overlap.
    """
    if images.splits is not None:
        own = {name: np.unique(rows.astype(np.int64)) for name, rows in images.splits.items()}
        if len(np.unique(np.concatenate([*own.values()]))) < sum(len(rows) for rows in own.values()):
            raise DataError("the source's own splits have images in common")
        return own, ()
    if any(s < 0 for s in shares.values()) or not 0 < sum(shares.values()) <= 1 + 1e-6:
        raise DataError(f"the shares of the splits must lie in 0 ... 1 and add up to at most 1; found {dict(shares)}")
    if cuts and len(cuts) != len(shares):
        raise DataError(f"split_at has {len(cuts)} places for {len(shares)} splits",
                        hint="leave it out, and they are cut anew")
    group = np.arange(len(images))
    if by is not None or images.has_clips:
        group = _groups(images.fields[by or "clip"])
    count = int(group.max()) + 1
    places = _hash(np.arange(count) if images.keys is None or cuts == () else _keys(images, group, by))
    order = np.unique(places)                      # copies of a picture count as one, and stay together
    found = [float(order[end]) if end < len(order) else 1.0 for end in _ends(len(order), list(shares.values()))]
    place = np.searchsorted(cuts or found, places, side="right")[group]
    rows = {name: np.flatnonzero(place == i) for i, name in enumerate(shares)}
    return rows, () if images.keys is None or cuts == () else cuts or tuple(found)


def _keys(images: Images, group: np.ndarray, by: str | None) -> np.ndarray:
    """Return a number for each group: of the class's name or the factor's value; of the first image without `by`."""
    first = np.unique(group, return_index=True)[1]
    if by is None and images.keys is not None:
        return images.keys[first]
    field = images.fields[by or ""]
    values = [field.values[i] for i in first]
    return np.array([zlib.crc32(field.names[v].encode("utf-8", "surrogateescape") if field.names and v >= 0
                                else v.tobytes()) for v in values], np.uint64)


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
    """Return Splitmix64 (Steele, Lea, Flood 2014) of whole numbers, as floats in [0, 1)."""
    z = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0 ** -53
