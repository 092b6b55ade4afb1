"""The beta-VAE score."""

from __future__ import annotations

import warnings

import attrs
import numpy as np

from unbraid_plugins.shared.metrics.bootstrap import NONE, means
from unbraid_plugins.shared.metrics.disentanglement.factor_table import table
from unbraid_plugins.shared.metrics.disentanglement.groups import Sampler, draws, sample_rows


@attrs.frozen(eq=False)
class BetaVaeScore:
    """Accuracies of the beta-VAE score, in [0, 1]; chance is 1 / K.

    train: on the points that the classifier was fitted on.
    score: on other points.
    resampled: hidden, the scores of bootstrap resamples of the other points.
    """

    train: float
    score: float
    resampled: np.ndarray = attrs.field(default=NONE, repr=False, metadata={"hidden": True})


def beta_vae_score(codes: np.ndarray, factors: np.ndarray, *, sampler: Sampler | None = None, pairs: int = 64,
                   train_points: int = 10_000, points: int = 5000, resamples: int = 0,
                   seed: int = 0) -> BetaVaeScore:
    """Measure how well a classifier finds the factor that pairs of images share (Higgins et al. 2017, section 3).

    A point is the mean of |z_1 - z_2|, (D,), over `pairs` pairs of images that share their value of factor k. A
    multinomial logistic regression predicts k from it. Dense linear mixing of the factors passes: a high score is no
    sign of disentanglement.

    codes: (N, D).
    factors: (N, K) whole numbers from 0.
    sampler: draws codes in place of the table's rows.
    resamples: the number of bootstrap resamples over the test points.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    codes, factors = table(codes, factors)
    if factors.shape[1] == 1:
        return BetaVaeScore(1.0, 1.0)
    sampler, random = sampler or sample_rows(codes, factors), np.random.default_rng(seed)
    found = [_points(sampler, many, factors.shape[1], pairs, random) for many in (train_points, points)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression().fit(*found[0])
    train, test = (model.predict(x) == k for x, k in found)
    return BetaVaeScore(float(train.mean()), float(test.mean()), means(test, resamples, seed))


def _points(sampler: Sampler, points: int, factors: int, pairs: int,
            random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return mean differences (points, D) and the factors that are shared, (points,)."""
    parts, shared = [], np.empty(points, np.int64)
    for k, which, drawn in draws(sampler, points, factors, pairs, 2, random):
        parts.append(np.abs(drawn[:, :, 0] - drawn[:, :, 1]).mean(1))
        shared[which] = k
    return np.concatenate(parts), shared
