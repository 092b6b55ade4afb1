"""Classifiers on a representation: logistic regression, nearest neighbours, and a small network on pixels.

The penalty of the logistic regression is chosen on training labels alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from unbraid_plugins.tools.evaluation import BATCH
from unbraid_plugins.tools.probing.task import Task
from unbraid_registry import registry

INVERSE_PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
USUAL = 1.0                                        # the C where there are too few labels to choose it
FOLDS = 3
MANY = 1500                                        # with this many labels, one fold of the cross-validation is enough
ITERATIONS, TOLERANCE = 200, 1e-3                  # larger or finer ones hardly change the accuracy


def linear(train: np.ndarray, labels: np.ndarray, test: np.ndarray, inverse_penalty: float = USUAL) -> np.ndarray:
    """Return the classes of test images, (N,), by scikit-learn's LogisticRegression, for any number of classes.

    train: (n, D).
    labels: (n,), at least two classes.
    test: (N, D).
    inverse_penalty: the regression's C.
    """
    return _fitted(train, labels, inverse_penalty).predict(test)


def best_penalty(train: np.ndarray, labels: np.ndarray, seed: int = 0) -> float:
    """Return the inverse penalty with the best accuracy in cross-validation within the training labels.

    Among equal ones, return the smallest, which is the strongest penalty. Return 1 where cross-validation is not
    possible: with fewer than MANY labels if some class has only one label, with more if no class has FOLDS labels.
    """
    from sklearn.model_selection import StratifiedKFold

    counts = np.unique(labels, return_counts=True)[1]
    folds = min(FOLDS, int(counts.min()) if len(labels) < MANY else FOLDS)
    if folds < 2 or counts.max() < folds:
        return USUAL
    right = np.zeros(len(INVERSE_PENALTIES))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)                 # a class with fewer members than folds
        parts = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(train, labels))
    for own, held in parts[:1] if len(labels) >= MANY else parts:
        model = None
        for i, inverse_penalty in enumerate(INVERSE_PENALTIES):
            model = _fitted(train[own], labels[own], inverse_penalty, model)
            right[i] += (model.predict(train[held]) == labels[held]).sum()
    return INVERSE_PENALTIES[int(right.argmax())]


def _fitted(train: np.ndarray, labels: np.ndarray, inverse_penalty: float, begin: Any = None) -> Any:
    """Return a fitted LogisticRegression.

    begin: one that was fitted on the same labels; it is fitted further, in place.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = begin or LogisticRegression(max_iter=ITERATIONS, tol=TOLERANCE, warm_start=True)
    model.C = inverse_penalty
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(train, labels)


def distances(test: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return squared distances (N, M) between centred rows (N, D) and (M, D), up to a constant for each test row.

    The distance is Euclidean. The constant is the row's squared norm, which does not change the order of neighbours.
    """
    return np.einsum("ij,ij->i", train, train) - 2 * (test @ train.T)


def nearest(between: np.ndarray, rows: np.ndarray, labels: np.ndarray, neighbours: int = 1) -> np.ndarray:
    """Return the most frequent class (N,) of the nearest labelled images.

    Among equally frequent classes, the class of the nearest image wins.

    between: (N, M) distances.
    rows: (n,) columns of the labelled images.
    labels: (n,) their classes.
    """
    k = min(neighbours, len(rows))
    found = np.empty(len(between), labels.dtype)
    for i in range(0, len(between), BATCH):
        near = between[i:i + BATCH][:, rows]
        if k == 1:
            found[i:i + BATCH] = labels[near.argmin(1)]
            continue
        few = np.argpartition(near, k - 1, axis=1)[:, :k]
        order = np.take_along_axis(few, np.take_along_axis(near, few, 1).argsort(1, kind="stable"), 1)
        found[i:i + BATCH] = [_most_frequent(votes) for votes in labels[order]]
    return found


def _most_frequent(votes: np.ndarray) -> int:
    """Return the most frequent of several numbers; among equally frequent ones, the first.

    >>> _most_frequent(np.asarray([4, 2, 2, 4, 1]))
    4
    """
    values, first, counts = np.unique(votes, return_index=True, return_counts=True)
    return int(values[np.lexsort((first, -counts))[0]])


def trained(task: Task, labelled: Mapping[str, np.ndarray], seed: int = 0, device: str = "cpu") -> dict[str, float]:
    """Return the accuracy by factor of one small network with a head for each factor: the metric `oracles`.

    labelled: factor -> rows of the training images whose class the network may use.  Raises UnknownComponent.
    """
    rows = np.unique(np.concatenate(list(labelled.values())))
    known = {f: np.where(np.isin(rows, own), task.train.factors[f][rows], -1) for f, own in labelled.items()}
    images = np.concatenate(list(task.test.read()))
    oracles = registry().catalog.find("oracles", "metric").target
    judged = {f: task.test.factors[f] for f in labelled}
    found = oracles(images, judged, task.train.bytes(rows), known, seed=seed, device=device)
    return {f: float(found.accuracy[f]) for f in labelled}
