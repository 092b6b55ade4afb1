"""Two sets of features to compare: their checks, and their rows in blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BLOCK = 4096                                       # rows at a time


def feature_sets(features: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two sets of features, (N, D) and (M, D), as checked arrays.

    Raises ValueError where one is empty or not finite, or the widths differ.
    """
    a, b = np.asarray(features), np.asarray(others)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or 0 in (*a.shape, *b.shape):
        raise ValueError(f"features must be (N, D) and (M, D), a row for each image; found {a.shape} and {b.shape}")
    for name, x in (("features", a), ("others", b)):
        bad = sum(int((~np.isfinite(block)).any(1).sum()) for block in blocks(x))
        if bad:
            raise ValueError(f"{bad} of {len(x)} rows of {name} are not finite")
    return a, b


def blocks(x: np.ndarray, size: int = BLOCK) -> Iterator[np.ndarray]:
    """Yield the rows of features (N, D) in float64, at most `size` at a time."""
    return (np.asarray(x[i:i + size], np.float64) for i in range(0, len(x), size))
