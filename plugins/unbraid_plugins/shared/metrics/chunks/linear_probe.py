"""Linear probes: classifiers that read factors off a code linearly."""

from __future__ import annotations

import warnings

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.chunks.chunks import Factors, check_rows, mean


@attrs.frozen(eq=False)
class LinearProbe:
    """Accuracies of linear classifiers, by factor.

    accuracy: in [0, 1], on images that it was not fitted on.
    chance: the share of the most frequent class.
    score: mean accuracy.
    """

    accuracy: dict[str, float]
    chance: dict[str, float]
    score: float


@metric(better="higher")
def linear_probe(codes: np.ndarray, factors: Factors, train_codes: np.ndarray, train_factors: Factors, *,
                 inverse_penalty: float = 1.0, iterations: int = 300) -> LinearProbe:
    """Return the accuracy of a logistic regression on standardised codes, by factor.

    It measures how much the code knows of a factor, anywhere in it. The regression is fitted on the training codes
    (scikit-learn, L2) and tested on the others. Images of unknown class are left out.

    codes, train_codes: (N, D) and (M, D).
    factors, train_factors: name -> classes, (N,) and (M,).
    """
    check_rows(codes, factors)
    check_rows(train_codes, train_factors)
    centre, spread = train_codes.mean(0), train_codes.std(0)
    spread = np.where(spread > 1e-12, spread, 1.0)
    x, train = (codes - centre) / spread, (train_codes - centre) / spread
    accuracy, frequency = {}, {}
    for name in factors:
        y, known = np.asarray(train_factors[name]), np.asarray(factors[name])
        rows = known >= 0
        found = predicted(train[y >= 0], y[y >= 0], x[rows], inverse_penalty, iterations)
        accuracy[name] = float((found == known[rows]).mean()) if rows.any() else 0.0
        frequency[name] = float(np.bincount(known[rows]).max() / rows.sum()) if rows.any() else 0.0
    return LinearProbe(accuracy, frequency, mean(accuracy))


def predicted(train: np.ndarray, labels: np.ndarray, x: np.ndarray, inverse_penalty: float,
            iterations: int) -> np.ndarray:
    """Return the classes of x by a classifier that is fitted on `train`."""
    from sklearn import config_context
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(labels)) < 2:
        return np.full(len(x), labels[0] if len(labels) else -1)
    with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
        warnings.simplefilter("ignore", ConvergenceWarning)          # the accuracy has settled long before
        return LogisticRegression(C=inverse_penalty, max_iter=iterations).fit(train, labels).predict(x)
