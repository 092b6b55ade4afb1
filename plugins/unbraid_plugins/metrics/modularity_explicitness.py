"""Modularity and explicitness: does a number of the code tell one factor, and is every factor told linearly?"""

from __future__ import annotations

import warnings

import attrs
import numpy as np

from unbraid_plugins.metrics.mutual_information import mutual_information
from unbraid_plugins.metrics.tables import split, standardised, table


@attrs.frozen(eq=False)
class Modularity:
    """information: (D, K) nats; by_number: (D,) in [0, 1], 0 for numbers that tell nothing; score: their mean."""

    information: np.ndarray
    by_number: np.ndarray
    score: float


def modularity(codes: np.ndarray, factors: np.ndarray, *, bins: int = 20) -> Modularity:
    """Does each number of the code tell about one factor only (Ridgeway & Mozer 2018)?

        modularity_d = 1 - sum_{k != k(d)} I_dk^2 / (I_dk(d)^2 (K - 1)),    k(d) = argmax_k I_dk

    It says nothing about dense linear mixing (a random code has about 0.7): read it beside MIG or DCI. Numbers that
    tell nothing count as 0 in the mean, as in disentanglement_lib. With one factor every number that tells is modular.

    codes: (N, D); factors: (N, K) whole numbers from 0.
    """
    codes, factors = table(codes, factors)
    matrix = mutual_information(codes, factors, bins)
    return Modularity(matrix, parts := modularity_by_number(matrix), float(parts.mean()))


def modularity_by_number(information: np.ndarray) -> np.ndarray:
    """The modularity of each row of a matrix of information (D, K): (D,)."""
    squares = np.square(information)
    largest = squares.max(1)
    others = (squares.sum(1) - largest) / max(information.shape[1] - 1, 1)
    return np.where(largest > 0, 1 - np.divide(others, largest, out=np.zeros(len(largest)), where=largest > 0), 0.0)


@attrs.frozen(eq=False)
class Explicitness:
    """train, test: (K,) areas under the ROC curve by factor, 1 perfect and 0.5 chance; score: mean of test."""

    train: np.ndarray
    test: np.ndarray
    score: float


def explicitness(codes: np.ndarray, factors: np.ndarray, *, train: np.ndarray | None = None,
                 test: np.ndarray | None = None, iterations: int = 100) -> Explicitness:
    """Can a linear classifier read each factor (Ridgeway & Mozer 2018)?  Content, not disentanglement.

    A multinomial logistic regression on standardised codes; for each class the area under the ROC curve of its
    probability against the other classes; the mean over the classes that are seen, then over factors. A factor with one
    value has 0.5.

    codes: (N, D); factors: (N, K) whole numbers from 0; train, test: rows to fit on and to judge on.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    codes, factors = table(codes, factors)
    rows, others = split(len(codes), train, test)
    x, unseen = standardised(codes[rows], codes[others])
    areas = np.full((2, factors.shape[1]), 0.5)
    for k, v in enumerate(factors.T):
        if len(np.unique(v[rows])) < 2:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(max_iter=iterations).fit(x, v[rows])
        for i, (inputs, truth) in enumerate([(x, v[rows]), (unseen, v[others])]):
            areas[i, k] = area_under_roc(model.predict_proba(inputs), truth, model.classes_)
    return Explicitness(areas[0], areas[1], float(areas[1].mean()))


def area_under_roc(probability: np.ndarray, truth: np.ndarray, classes: np.ndarray) -> float:
    """The mean over classes of the chance that one of the class has a larger probability than one of the others.

    Equal ones count half.  probability: (N, C); truth: (N,); classes: (C,), those without both kinds are left out.
    """
    from scipy.stats import rankdata

    ranks = rankdata(probability, axis=0)
    member = truth[:, None] == classes
    own = member.sum(0)
    other = len(truth) - own
    seen = (own > 0) & (other > 0)
    above = (ranks * member).sum(0) - own * (own + 1) / 2
    return float((above[seen] / (own * other)[seen]).mean()) if seen.any() else 0.5
