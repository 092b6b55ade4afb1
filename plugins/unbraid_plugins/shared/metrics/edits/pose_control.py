"""Pose control: is an image that is made for a pose seen in that pose?"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.bootstrap import NONE, means
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, mean
from unbraid_plugins.shared.metrics.edits.oracles import Oracles


@attrs.frozen(eq=False)
class PoseControl:
    """Shares of images in which an oracle sees the class that they were made for, by factor.

    accuracy: in [0, 1].
    chance: 1 / classes, what a generator has that ignores its code.
    seen: (classes, classes) shares, a row for every class asked for and a column for every class seen.
    oracle: accuracy of the oracle on real images.
    score: mean accuracy.
    resampled: hidden, the scores of bootstrap resamples of the images.
    """

    accuracy: dict[str, float]
    chance: dict[str, float]
    seen: dict[str, np.ndarray]
    oracle: dict[str, float]
    score: float
    resampled: np.ndarray = attrs.field(default=NONE, repr=False, metadata={"hidden": True})


@metric(better="higher")
def pose_control(codes: np.ndarray, categories: Chunks, decode: Callable[[np.ndarray], np.ndarray], oracles: Oracles, *,
                 most: int = 100, resamples: int = 0, seed: int = 0) -> PoseControl | None:
    """Return how often an oracle sees the pose that an image is made for (Tran et al. 2017: rotation to a chosen pose).

    A factor of the code that is a category and has the name of a factor of the data, such as the pose, is set to each
    of its classes; the rest of the code stays that of the image. Returns None for a code without such a factor.

    codes: (N, D).
    categories: name -> columns, one-hot.
    decode: codes (n, D) -> images (n, C, H, W).
    most: the largest number of images that are turned, each to every class.
    resamples: the number of bootstrap resamples over images.
    """
    rows = np.random.default_rng(seed).permutation(len(codes))[:most]
    names = [name for name in categories if name in oracles.accuracy]
    if not names:
        return None
    accuracy, chance, tables, hits = {}, {}, {}, []
    for name in names:
        a, b = categories[name]
        seen = np.stack([oracles.see(decode(_set(codes[rows], a, b, c)))[name] for c in range(b - a)], 1)
        tables[name] = control_table(seen.ravel(), np.tile(np.arange(b - a), len(rows)), b - a)
        right = seen == np.arange(b - a)
        accuracy[name], chance[name] = float(right.mean()), 1 / (b - a)
        hits.append(right.mean(1))
    again = means(np.stack(hits, 1), resamples, seed).mean(1) if resamples else NONE
    return PoseControl(accuracy, chance, tables, {n: oracles.accuracy[n] for n in names}, mean(accuracy), again)


def control_table(seen: np.ndarray, wanted: np.ndarray, classes: int) -> np.ndarray:
    """Return shares (classes, classes): a row for every class asked for, a column for every class seen.

    A class that was never asked for has a row of NaN.

    >>> control_table(np.asarray([0, 1, 1, 1]), np.asarray([0, 0, 1, 1]), 2).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    table = np.zeros((classes, max(classes, int(np.max(seen, initial=0)) + 1)))
    np.add.at(table, (wanted, seen), 1)
    asked = table.sum(1, keepdims=True)
    return np.divide(table, asked, out=np.full(table.shape, np.nan), where=asked > 0)


def _set(codes: np.ndarray, a: int, b: int, number: int) -> np.ndarray:
    """Return the codes with the category in columns [a, b) set to a class."""
    new = codes.copy()
    new[:, a:b] = np.eye(b - a)[number]
    return new
