"""Chunks of a code, and their assignment to factors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

Chunks: TypeAlias = Mapping[str, tuple[int, int]]
Factors: TypeAlias = Mapping[str, np.ndarray]


def all_chunks(codes: np.ndarray, chunks: Chunks | None) -> dict[str, tuple[int, int]]:
    """Return the given chunks, or the whole code as one.

    Raises ValueError where codes are not finite or not (N, D), or chunks do not fit them.
    """
    if codes.ndim != 2:
        raise ValueError(f"codes must be (N, D); found {codes.shape}")
    if not np.isfinite(codes).all():
        raise ValueError(f"{int((~np.isfinite(codes)).any(1).sum())} of {len(codes)} codes are not finite")
    if chunks is None:
        return {"code": (0, codes.shape[1])}
    for name, (a, b) in chunks.items():
        if not 0 <= a < b <= codes.shape[1]:
            raise ValueError(f"the chunk {name!r} has the columns {a} to {b}; the code has {codes.shape[1]}")
    return dict(chunks)


def check_rows(codes: np.ndarray, factors: Factors) -> None:
    """Raise ValueError where a factor has not one class for every code."""
    for name, labels in factors.items():
        if np.shape(labels) != (len(codes),):
            raise ValueError(f"the factor {name!r} has the shape {np.shape(labels)}; expected ({len(codes)},)")


def exchanged(codes: np.ndarray, others: np.ndarray, span: tuple[int, int]) -> np.ndarray:
    """Return the codes (N, D) with one chunk of the others."""
    new = codes.copy()
    new[:, slice(*span)] = others[:, slice(*span)]
    return new


def pairs_of(count: int, most: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return at most `most` random pairs of different rows of `count`: receivers and donors."""
    order = np.random.default_rng(seed).permutation(count)
    return order[:most], np.roll(order, 1)[:most]


def best_chunks(matrix: np.ndarray, factors: list[str], chunks: list[str]) -> dict[str, str]:
    """Return every factor's best chunk, the first of equal ones.  matrix: (factors, chunks)."""
    return {f: chunks[int(row.argmax())] for f, row in zip(factors, matrix, strict=True)}


def one_to_one(matrix: np.ndarray, factors: list[str], chunks: list[str]) -> dict[str, str]:
    """Return the assignment of largest sum in which no chunk has two factors (Kuhn 1955).

    With fewer chunks than factors, some factors are left out.
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(matrix, maximize=True)
    return {factors[r]: chunks[c] for r, c in zip(rows, columns, strict=True)}


def mean(values: Mapping[str, float]) -> float:
    """Return the mean of the values; 0 without values."""
    return float(np.mean(list(values.values()))) if values else 0.0
