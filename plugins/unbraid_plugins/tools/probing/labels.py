"""Few labels, drawn at random: equally many of every class."""

from __future__ import annotations

import numpy as np

from unbraid_plugins.tools.probing.settings import Budget


def drawn(labels: np.ndarray, budget: Budget, times: int, seed: int) -> list[np.ndarray]:
    """Rows with so many labels of every class (all of a class that has fewer), drawn several times; each (n,), sorted.

    labels: (M,) classes, -1 where unknown. All labels, where the budget is None or reaches them, are drawn once. Fewer
    labels of one draw are among its more.
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
    """How many classes have fewer labels than are asked for."""
    counts = np.unique(labels[labels >= 0], return_counts=True)[1]
    return 0 if budget is None else int((counts < budget).sum())
