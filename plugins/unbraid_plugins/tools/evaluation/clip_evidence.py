"""Evidence that needs several images at once: whole clips, and analogies whose true image is in the data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unbraid.data import Data, Images
from unbraid_plugins.tools.calling import clip_rows
from unbraid_plugins.tools.evaluation.evidence import Evidence, Sampled, halves, image_array
from unbraid_plugins.tools.evaluation.weak_labels import as_classes

FILMS, FILM_BYTES = 64, 2 ** 28                    # largest number of clips, and of their bytes as floats
LONGEST = 100                                      # frames of a clip
ANALOGIES = 500


def of_clips(data: Data, sampled: Sampled, seed: int) -> Evidence:
    """Return test clips, with the factors that are constant in each; no evidence where the images are no clips."""
    images = data.images_of[sampled.source]
    unseen, _, _ = halves(data, sampled.source, np.random.default_rng(seed))
    rows = clip_rows(images, unseen)[:, :LONGEST]
    if not rows.size:
        return {}
    most = max(min(FILMS, FILM_BYTES // (4 * rows.shape[1] * int(np.prod(images.shape)))), 1)
    rows = rows[np.random.default_rng(seed).permutation(len(rows))[:most]]
    values = {name: images.fields[name].values[rows] for name in sampled.classes}
    constant = {name: v[:, 0].astype(np.int64) for name, v in values.items() if (v == v[:, :1]).all()}
    films = image_array(data, rows.reshape(-1), sampled.source).reshape(*rows.shape, *images.shape)
    return {"films": films, "film_factors": constant}


def of_analogies(data: Data, sampled: Sampled, seed: int) -> Evidence:
    """Return pairs of test images whose analogy is known: a third test image has it, in every known factor.

    No evidence where pairs share nothing or everything, where other factors are unknown, or where no image fits.
    """
    shared = sampled.evidence.get("shared_factors", [])
    others = [name for name in (*sampled.classes, *sampled.numbers) if name not in shared]
    if not shared or not others:
        return {}
    images, rng = data.images_of[sampled.source], np.random.default_rng(seed)
    rows = halves(data, sampled.source, rng)[0]
    first, second = (_combined(images, names, rows) for names in (shared, others))
    place = {(a, b): i for i, (a, b) in enumerate(zip(first.tolist(), second.tolist(), strict=True)) if min(a, b) >= 0}
    found: list[tuple[int, int, int]] = []
    for x, y in zip(*_pairs(len(rows), rng), strict=True):
        truth = place.get((int(first[x]), int(second[y])))
        if truth is not None and first[x] != first[y] and second[x] != second[y]:
            found.append((int(x), int(y), truth))
            if len(found) == ANALOGIES:
                break
    if not found:
        return {}
    three = rows[np.asarray(found)].T
    return {"analogies": {name: image_array(data, own, sampled.source)
                          for name, own in zip(("shared", "varying", "truth"), three, strict=True)}}


def _pairs(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return many random pairs of row numbers."""
    tries = 400 * ANALOGIES
    return rng.integers(0, count, tries), rng.integers(0, count, tries)


def _combined(images: Images, names: Sequence[str], rows: np.ndarray) -> np.ndarray:
    """Return a class for every combination of these fields, (len(rows),), -1 where one is unknown."""
    table = np.stack([as_classes(images.fields[name])[rows] for name in names], 1)
    found = np.unique(table, axis=0, return_inverse=True)[1].reshape(-1)
    return np.where((table >= 0).all(1), found, -1)
