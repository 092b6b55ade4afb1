"""Creases: vertices at one place that have separate normals, by the file's normals, or by the angle between faces."""

from __future__ import annotations

import math

import numpy as np

SAME = 5.0                                         # degrees: a file's normals at one place that are nearer are one
MOST = 64                                          # separate normals at one place, beyond which each is its own


def places_of(points: np.ndarray) -> np.ndarray:
    """Return the same number for points (N, k) at the same place, (N,), in the order of their coordinates."""
    place = np.zeros(len(points), np.int64)
    for column in points.T:                        # one number for each place: unique rows take far longer
        values, rank = np.unique(column + 0.0, return_inverse=True)
        place = np.unique(place * len(values) + rank.reshape(-1), return_inverse=True)[1].reshape(-1)
    return place


def creases_of(points: np.ndarray, normals: np.ndarray, degrees: float = SAME) -> np.ndarray | None:
    """Return numbers that differ where normals at one place differ by more than an angle, None where no two do.

    points: (N, 3).
    normals: (N, 3), of any length.
    """
    normals = np.nan_to_num(normals)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    unit = normals / np.where(length > 0, length, 1)
    place = places_of(points)
    number = np.full(len(points), -1)
    left = np.arange(len(points))
    group = 0
    while len(left) and group < MOST:
        _, first, of = np.unique(place[left], return_index=True, return_inverse=True)
        lead = first[of]
        near = (unit[left] * unit[left[lead]]).sum(1) >= math.cos(math.radians(degrees)) - 1e-9
        near |= np.arange(len(left)) == lead
        number[left[near]] = group
        left, group = left[~near], group + 1
    number[left] = group + np.arange(len(left))
    return number if number.max(initial=0) > 0 else None
