"""A linear classifier on a representation: logistic regression whose penalty is chosen on training labels alone."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

INVERSE_PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)
USUAL = 1.0                                        # where there are too few labels to choose by
FOLDS = 3
MANY = 1500                                        # labels, of which one fold tells enough
ITERATIONS = 300


def linear(train: np.ndarray, labels: np.ndarray, test: np.ndarray, seed: int = 0) -> tuple[np.ndarray, float]:
    """The classes of test images, and the inverse penalty that was chosen.

    Of five penalties (scikit-learn's C), the one with the best accuracy in cross-validation within the training labels
    is taken, of equal ones the strongest; with one label of a class there is nothing to choose by.

    train: (n, D); labels: (n,) of two classes at least; test: (N, D).
    """
    chosen = _chosen(train, labels, seed)
    return _fitted(train, labels, chosen).predict(test), chosen


def _chosen(train: np.ndarray, labels: np.ndarray, seed: int) -> float:
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
        for i, penalty in enumerate(INVERSE_PENALTIES):
            model = _fitted(train[own], labels[own], penalty, model)
            right[i] += (model.predict(train[held]) == labels[held]).sum()
    return INVERSE_PENALTIES[int(right.argmax())]


def _fitted(train: np.ndarray, labels: np.ndarray, inverse_penalty: float, begin: Any = None) -> Any:
    """A fitted LogisticRegression; begin: one on the same labels, whose weights it goes on from."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = begin or LogisticRegression(max_iter=ITERATIONS, warm_start=True)
    model.C = inverse_penalty
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)          # the accuracy has settled long before
        return model.fit(train, labels)
