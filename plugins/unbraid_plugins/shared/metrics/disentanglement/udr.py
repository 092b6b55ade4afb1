"""Unsupervised disentanglement ranking: whether models of one method find the same dimensions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.disentanglement.factor_table import standardised


@attrs.frozen(eq=False)
class Ranking:
    """Similarities of S models, all in [0, 1].

    pairs: (S, S), how well model i fits model j, NaN on the diagonal.
    by_model: (S,) their medians over i.
    best: the model with the largest median.
    score: mean over models.
    """

    pairs: np.ndarray
    by_model: np.ndarray
    best: int
    score: float


def udr(models: Sequence[np.ndarray], kl: Sequence[np.ndarray] | None = None, *, similarity: str = "spearman",
        threshold: float = 0.01, alpha: float = 0.1) -> Ranking:
    """Rank models that differ in their seed by unsupervised disentanglement ranking (Duan et al. 2020).

        UDR_ij = 1/2 (1/d_b sum_b r_b^2 I(b) / sum_a R(a, b) + 1/d_a sum_a r_a^2 I(a) / sum_b R(a, b))

    R(a, b) is the similarity of dimension a of model i and dimension b of model j: the size of their rank correlation
    ("spearman"), or the size of the weight of a in a Lasso that predicts b ("lasso"). r_b = max_a R(a, b), and I leaves
    out the dimensions whose KL is at most the threshold. A model's score is the median over the others. No factor needs
    to be known.

    models: at least two codes (N, D) of the same images.
    kl: (D,) nats by model, the mean over images; by default all dimensions count.
    """
    codes = [np.asarray(c, np.float64) for c in models]
    if len(codes) < 2 or any(c.ndim != 2 or len(c) != len(codes[0]) for c in codes):
        raise ValueError("models must be two or more codes (N, D) of the same images; "
                         f"found {[c.shape for c in codes]}")
    if similarity not in ("spearman", "lasso"):
        raise ValueError(f"similarity is 'spearman' or 'lasso'; found {similarity!r}")
    live = [np.ones(c.shape[1], bool) for c in codes] if kl is None else [np.asarray(k) > threshold for k in kl]
    if [len(k) for k in live] != [c.shape[1] for c in codes]:
        raise ValueError(f"kl must have one value for each number of the code; found {[len(k) for k in live]}")
    codes = [standardised(c, c)[0] * k for c, k in zip(codes, live, strict=True)]
    pairs = np.full((len(codes), len(codes)), np.nan)
    for i, a in enumerate(codes):
        for j, b in enumerate(codes):
            if i != j:
                alike = _spearman(a, b) if similarity == "spearman" else _lasso(a, b, alpha)
                pairs[i, j] = pair_score(alike[live[i]][:, live[j]])
    by_model = np.nanmedian(pairs, axis=0)
    return Ranking(pairs, by_model, int(by_model.argmax()), float(by_model.mean()))


def pair_score(alike: np.ndarray) -> float:
    """Return how close a matrix (a, b) of similarities is to a permutation, 0 to 1; 0 where no dimension is left.

    >>> round(pair_score(np.asarray([[.9, .1], [.2, .7]])), 6)
    0.675827
    """
    if 0 in alike.shape:
        return 0.0
    parts = []
    for axis in (0, 1):
        sums = alike.sum(axis)
        parts.append(np.divide(np.square(alike.max(axis)), sums, out=np.zeros(len(sums)), where=sums > 0).mean())
    return float(np.mean(parts))


def _spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the sizes of the rank correlations of the columns: (D_a, D_b), 0 for constant ones."""
    from scipy.stats import rankdata

    ranks = [standardised(r, r)[0] for r in (rankdata(a, axis=0), rankdata(b, axis=0))]
    return np.abs(ranks[0].T @ ranks[1]) / len(a)


def _lasso(a: np.ndarray, b: np.ndarray, alpha: float) -> np.ndarray:
    """Return the sizes of the weights of a's columns in predicting b's: (D_a, D_b)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import Lasso

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.abs(np.atleast_2d(Lasso(alpha=alpha).fit(a, b).coef_)).T


@metric(name="udr", better="higher")
def of_models(models_codes: np.ndarray, models_kl: np.ndarray | None = None, *, similarity: str = "lasso",
              threshold: float = 0.01, alpha: float = 0.1) -> Ranking:
    """Unsupervised disentanglement ranking: whether models of several seeds agree (Duan et al. 2020)."""
    return udr(list(models_codes), None if models_kl is None else list(models_kl), similarity=similarity,
               threshold=threshold, alpha=alpha)
