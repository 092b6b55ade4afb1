"""A linear classifier on a representation: logistic regression whose penalty is chosen on training labels alone."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

INVERSE_PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
USUAL = 1.0                                        # where there are too few labels to choose by
FOLDS = 3
MANY = 1500                                        # labels, of which one fold tells enough
ITERATIONS, TOLERANCE = 200, 1e-3                  # beyond these the accuracy hardly changes


def linear(train: np.ndarray, labels: np.ndarray, test: np.ndarray, inverse_penalty: float = USUAL) -> np.ndarray:
    """The classes of test images, (N,), by scikit-learn's LogisticRegression, of any number of classes at once.

    train: (n, D); labels: (n,) of two classes at least; test: (N, D); inverse_penalty: its C.
    """
    return _fitted(train, labels, inverse_penalty).predict(test)


def best_penalty(train: np.ndarray, labels: np.ndarray, seed: int = 0) -> float:
    """The inverse penalty of the best accuracy in cross-validation within the training labels.

    Of equal ones the smallest, which is the strongest penalty; 1 where no class, or of few labels not every class, has
    two of them.
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
    """A fitted LogisticRegression; begin: one on the same labels, whose weights it goes on from."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = begin or LogisticRegression(max_iter=ITERATIONS, tol=TOLERANCE, warm_start=True)
    model.C = inverse_penalty
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(train, labels)
