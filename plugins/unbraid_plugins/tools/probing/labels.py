"""Random draws of few labels, with equal numbers of every class."""

from __future__ import annotations

import numpy as np

from unbraid_plugins.tools.probing.settings import Budget


def drawn(labels: np.ndarray, budget: Budget, times: int, seed: int) -> list[np.ndarray]:
    """Draw rows with `budget` labels of every class, several times; each draw is (n,), sorted.

    A class with fewer labels gives all of them. If the budget is None or no class has more labels, there is one draw,
    with all labels. In each draw, a smaller budget selects a subset of a larger one.

    labels: (M,) classes, -1 where unknown.
    """
    classes = np.unique(labels[labels >= 0])
    of_class = [np.flatnonzero(labels == c) for c in classes]
    if budget is None or budget >= max(map(len, of_class)):
        return [np.flatnonzero(labels >= 0)]
    found = []
    for draw in range(times):
        rng = np.random.default_rng([seed, draw])
        found.append(np.sort(np.concatenate([rng.permutation(rows)[:budget] for rows in of_class])))
    return found


def short(labels: np.ndarray, budget: Budget) -> int:
    """Return the number of classes that have fewer labels than the budget."""
    counts = np.unique(labels[labels >= 0], return_counts=True)[1]
    return 0 if budget is None else int((counts < budget).sum())
