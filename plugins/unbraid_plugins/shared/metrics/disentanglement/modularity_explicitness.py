"""Modularity and explicitness: whether a dimension encodes one factor only, and every factor is linearly readable."""

from __future__ import annotations

import warnings

import attrs
import numpy as np

from unbraid_plugins.shared.metrics.bootstrap import NONE, counts
from unbraid_plugins.shared.metrics.disentanglement.factor_table import split, standardised, table
from unbraid_plugins.shared.metrics.disentanglement.mutual_information import mutual_information, resampled_information


@attrs.frozen(eq=False)
class Modularity:
    """Modularities of the dimensions of a code.

    information: (D, K) nats.
    by_number: (D,) in [0, 1], 0 for dimensions without information.
    score: their mean.
    resampled: hidden, the scores of bootstrap resamples.
    """

    information: np.ndarray
    by_number: np.ndarray
    score: float
    resampled: np.ndarray = attrs.field(default=NONE, repr=False, metadata={"hidden": True})


def modularity(codes: np.ndarray, factors: np.ndarray, *, bins: int = 20, resamples: int = 0,
               seed: int = 0) -> Modularity:
    """Measure whether each dimension of the code encodes one factor only (Ridgeway & Mozer 2018).

        modularity_d = 1 - sum_{k != k(d)} I_dk^2 / (I_dk(d)^2 (K - 1)),    k(d) = argmax_k I_dk

    It says nothing about dense linear mixing (a random code has about 0.7): read it beside MIG or DCI. Dimensions
    without information count as 0 in the mean, as in disentanglement_lib. With one factor, every dimension with
    information is modular.

    codes: (N, D).
    factors: (N, K) whole numbers from 0.
    resamples: the number of bootstrap resamples over images.
    """
    codes, factors = table(codes, factors)
    matrix = mutual_information(codes, factors, bins)
    again = [modularity_by_number(m).mean() for m, _ in resampled_information(codes, factors, bins, resamples, seed)]
    return Modularity(matrix, parts := modularity_by_number(matrix), float(parts.mean()), np.asarray(again))


def modularity_by_number(information: np.ndarray) -> np.ndarray:
    """Return the modularity of each row of a matrix of information (D, K): (D,)."""
    squares = np.square(information)
    largest = squares.max(1)
    others = (squares.sum(1) - largest) / max(information.shape[1] - 1, 1)
    return np.where(largest > 0, 1 - np.divide(others, largest, out=np.zeros(len(largest)), where=largest > 0), 0.0)


@attrs.frozen(eq=False)
class Explicitness:
    """Areas under the ROC curve, 1 perfect and 0.5 chance.

    train, test: (K,) areas by factor.
    score: mean of test.
    resampled: hidden, the scores of bootstrap resamples of the test images.
    """

    train: np.ndarray
    test: np.ndarray
    score: float
    resampled: np.ndarray = attrs.field(default=NONE, repr=False, metadata={"hidden": True})


def explicitness(codes: np.ndarray, factors: np.ndarray, *, train: np.ndarray | None = None,
                 test: np.ndarray | None = None, iterations: int = 100, resamples: int = 0,
                 seed: int = 0) -> Explicitness:
    """Measure whether a linear classifier can read each factor (Ridgeway & Mozer 2018): content, not disentanglement.

    A multinomial logistic regression is fitted on standardised codes. For each class, the area under the ROC curve of
    its probability is taken against the other classes. The areas are averaged over the classes that are seen, then over
    factors. A factor with one value has 0.5.

    codes: (N, D).
    factors: (N, K) whole numbers from 0.
    train, test: rows to fit on and to test on.
    resamples: the number of bootstrap resamples over the test images.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    codes, factors = table(codes, factors)
    rows, others = split(len(codes), train, test)
    x, unseen = standardised(codes[rows], codes[others])
    areas, again = np.full((2, factors.shape[1]), 0.5), np.full((resamples, factors.shape[1]), 0.5)
    for k, v in enumerate(factors.T):
        if len(np.unique(v[rows])) < 2:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(max_iter=iterations).fit(x, v[rows])
        for i, (inputs, truth) in enumerate([(x, v[rows]), (unseen, v[others])]):
            areas[i, k] = area_under_roc(p := model.predict_proba(inputs), truth, model.classes_)
        again[:, k] = _resampled_areas(p, v[others], model.classes_, resamples, seed)
    return Explicitness(areas[0], areas[1], float(areas[1].mean()), again.mean(1))


def area_under_roc(probability: np.ndarray, truth: np.ndarray, classes: np.ndarray) -> float:
    """Return the mean over classes of the chance that one of the class has a larger probability than one of the others.

    Equal probabilities count half. Classes without members, or without others, are left out; without any class it is
    0.5.

    probability: (N, C).
    truth: (N,).
    classes: (C,).
    """
    from scipy.stats import rankdata

    ranks = rankdata(probability, axis=0)
    member = truth[:, None] == classes
    own = member.sum(0)
    other = len(truth) - own
    seen = (own > 0) & (other > 0)
    above = (ranks * member).sum(0) - own * (own + 1) / 2
    return float((above[seen] / (own * other)[seen]).mean()) if seen.any() else 0.5


def _resampled_areas(probability: np.ndarray, truth: np.ndarray, classes: np.ndarray, resamples: int,
                     seed: int) -> np.ndarray:
    """Return `area_under_roc` of bootstrap resamples of the images: (resamples,)."""
    if not resamples:
        return np.empty(0)
    times = np.asarray(list(counts(len(truth), resamples, seed)), np.float64)          # (resamples, N)
    sums, seen = np.zeros(resamples), np.zeros(resamples)
    for p, label in zip(probability.T, classes, strict=True):
        order = np.argsort(p, kind="stable")
        ranked, own = p[order], truth[order] == label
        others = times[:, order[~own]].cumsum(1)
        others = np.concatenate([np.zeros((resamples, 1)), others], 1)
        below, up = (np.searchsorted(ranked[~own], ranked[own], side=side) for side in ("left", "right"))
        mine = times[:, order[own]]
        pairs = mine.sum(1) * others[:, -1]
        wins = (mine * (others[:, below] + others[:, up])).sum(1) / 2
        sums += np.divide(wins, pairs, out=np.zeros(resamples), where=pairs > 0)
        seen += pairs > 0
    return np.divide(sums, seen, out=np.full(resamples, 0.5), where=seen > 0)
