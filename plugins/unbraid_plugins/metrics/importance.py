"""DCI: disentanglement, completeness and informativeness."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid_plugins.metrics.boosting import boosted_trees
from unbraid_plugins.metrics.tables import split, table


@attrs.frozen(eq=False)
class Dci:
    """importance: (D, K), each column of sum 1; disentanglement, completeness: in [0, 1]; informativeness: accuracy on
    the test rows, mean over factors; informativeness_train: on the others; score: disentanglement.
    """

    importance: np.ndarray
    disentanglement: float
    completeness: float
    informativeness: float
    informativeness_train: float
    score: float


def dci(codes: np.ndarray, factors: np.ndarray, *, train: np.ndarray | None = None, test: np.ndarray | None = None,
        rounds: int = 100, seed: int = 0) -> Dci:
    """Disentanglement, completeness and informativeness (Eastwood & Williams 2018, section 2), with boosted trees.

    Trees guess each factor from the code; R_dk is what number d contributed to guessing factor k.

        disentanglement = sum_d (sum_k R_dk / sum R) (1 - H_K(R_d. / sum_k R_dk)): no number contributes to two factors
        completeness    = sum_k (sum_d R_dk / sum R) (1 - H_D(R_.k / sum_d R_dk)): no factor takes two numbers
        informativeness = how often the trees guess right; it asks for content, not disentanglement

    H_n is the entropy with the logarithm to base n.

    codes: (N, D); factors: (N, K) whole numbers from 0; train, test: rows to fit on and to judge on.
    """
    codes, factors = table(codes, factors)
    rows, others = split(len(codes), train, test)
    fitted = [boosted_trees(codes[rows], v[rows], codes[others], v[others], rounds=rounds, seed=seed)
              for v in factors.T]
    importance = np.stack([f.importance for f in fitted], 1)
    disentangled = disentanglement(importance)
    return Dci(importance, disentangled, completeness(importance), float(np.mean([f.test for f in fitted])),
               float(np.mean([f.train for f in fitted])), disentangled)


def disentanglement(importance: np.ndarray) -> float:
    """The mean of what each row of a matrix of importances (D, K) leaves undivided, weighted by the rows' sums.

    >>> round(disentanglement(np.asarray([[.7, .1, 0], [.1, .6, .1], [.2, .3, .9], [0, 0, 0]])), 6)
    0.351036
    """
    sums = importance.sum(1)
    weights = sums / sums.sum() if sums.sum() > 0 else np.full(len(sums), 1 / len(sums))
    return float(weights @ _undivided(importance))


def completeness(importance: np.ndarray) -> float:
    """The same of the columns.  importance: (D, K)."""
    return disentanglement(importance.T)


def _undivided(parts: np.ndarray) -> np.ndarray:
    """One minus the entropy of each row, relative to the largest possible: (D,)."""
    if parts.shape[1] == 1:
        return np.ones(len(parts))
    p = parts + 1e-11
    p = p / p.sum(1, keepdims=True)
    return 1 + (p * np.log(p)).sum(1) / np.log(parts.shape[1])
