"""Weak labels of a recipe's pairs of images: the factors that they share, and the azimuths of their views."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from unbraid.data import Data, Field

TURNING = "azimuth"


def of_pairs(data: Data, source: str, classes: Mapping[str, int], train: np.ndarray,
             numbers: Collection[str] = ()) -> dict[str, Any]:
    """Return the evidence about pairs of images: `shared_factors` and `train_azimuths`, where they are known.

    `shared_factors` needs a draw of the source that shares factors. `train_azimuths`, (M,) in radians, needs a factor
    `azimuth` that is known for all the rows; its classes are equal steps of a full turn.

    classes: number of classes of the factors that can be measured.
    train: (M,) rows.
    numbers: the fields of numbers that can be measured.
    """
    fields, found = data.images_of[source].fields, dict[str, Any]()
    if shared := shared_factors(data, source, classes, numbers):
        found["shared_factors"] = shared
    if TURNING in classes and (fields[TURNING].values[train] >= 0).all():
        found["train_azimuths"] = 2 * np.pi / classes[TURNING] * fields[TURNING].values[train]
    return found


def shared_factors(data: Data, source: str, classes: Mapping[str, int], numbers: Collection[str] = ()) -> list[str]:
    """Return the factors and numbers that the images of some draw share: those of `same`, and those that follow.

    What frames of a clip share, where a draw says `same: clip`, is whatever is constant in each clip.
    """
    same = {f for plan in data.plans.values() if plan.source == source for f in plan.draw.same}
    if not same:
        return []
    fields = data.images_of[source].fields
    known = {name: as_classes(fields[name]) for name in fields if name in same or name in classes or name in numbers}
    return [f for f in (*classes, *numbers)
            if f in same or _follows(known[f], [known[name] for name in sorted(same)])]


def as_classes(field: Field) -> np.ndarray:
    """Return a class for every image, (N,), -1 where unknown; equal numbers are a class."""
    if field.classes is not None:
        return np.asarray(field.values)
    found = np.unique(field.values.reshape(len(field.values), -1), axis=0, return_inverse=True)[1].reshape(-1)
    return np.where(field.known(), found, -1)


def _follows(labels: np.ndarray, others: list[np.ndarray]) -> bool:
    """Whether images that agree in all the others agree in these labels, wherever all are known."""
    table = np.stack([*others, labels], 1)
    table = np.unique(table[(table >= 0).all(1)], axis=0)
    return len(table) > 0 and len(np.unique(table[:, :-1], axis=0)) == len(table)
