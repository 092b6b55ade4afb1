"""Regressions of numbers (positions, angles) on representations: a ridge regression, and the nearest images."""

from __future__ import annotations

from functools import partial

import numpy as np

from unbraid_plugins.shared.metrics.chunks.number_regression import of_neighbours, r2, ridge
from unbraid_plugins.tools.probing.preprocessing import prepared
from unbraid_plugins.tools.probing.representations import Representation
from unbraid_plugins.tools.probing.settings import Budget, Settings
from unbraid_plugins.tools.probing.task import Task

Scores = dict[str, dict[str, list[list[float]]]]   # linear, nearest -> number -> R2 for each budget and draw
NEAREST = 5                                        # images that vote at least
FEWEST = 2                                         # labelled images; one tells no line


def labelled_numbers(chosen: Task, settings: Settings) -> dict[str, list[list[np.ndarray]]]:
    """Draw the labelled rows of every number, budget and draw: a budget is a number of images here.

    In each draw, a smaller budget selects a subset of a larger one.
    """
    found = {}
    for name in chosen.numbers:
        known = np.flatnonzero(~np.isnan(chosen.train.numbers[name]).any(1))
        orders = [np.random.default_rng([settings.seed, draw]).permutation(known) for draw in range(settings.draws)]
        found[name] = [_drawn(known, orders, budget) for budget in settings.labels]
    return found


def _drawn(known: np.ndarray, orders: list[np.ndarray], budget: Budget) -> list[np.ndarray]:
    if budget is None or budget >= len(known):
        return [known]
    return [np.sort(order[:budget]) for order in orders]


def judged_numbers(r: Representation, chosen: Task, labelled: dict[str, list[list[np.ndarray]]], settings: Settings
                   ) -> Scores:
    """Return the R2 of both regressions on one representation, the mean over a number's components.

    The nearest images are five, or those of the settings where these are more.
    """
    ready, scores = prepared(r, settings.seed), Scores(linear={}, nearest={})
    for name, budgets in labelled.items():
        y, truth = chosen.train.numbers[name], chosen.test.numbers[name]
        known = ~np.isnan(truth).any(1)
        for kind, (train, test) in (("linear", (ready.train_axes, ready.test_axes)),
                                    ("nearest", (ready.train, ready.test))):
            fit = ridge if kind == "linear" else partial(of_neighbours, neighbours=max(settings.neighbours, NEAREST))
            scores[kind][name] = [[float(np.mean(r2(truth[known], fit(train[rows], y[rows], test[known]))))
                                   if len(rows) >= FEWEST else np.nan for rows in draws] for draws in budgets]
    return scores

