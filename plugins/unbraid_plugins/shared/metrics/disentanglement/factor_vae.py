"""The FactorVAE score."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid_plugins.shared.metrics.bootstrap import NONE
from unbraid_plugins.shared.metrics.disentanglement.factor_table import table
from unbraid_plugins.shared.metrics.disentanglement.groups import Sampler, draws, sample_rows


@attrs.frozen(eq=False)
class FactorVaeScore:
    """Votes and accuracies of the FactorVAE score.

    votes: (D, K), of the train votes, how often dimension d varied least while factor k was fixed.
    factor: (D,) the factor with most votes, -1 for dimensions without votes.
    active: the dimensions that vary.
    train, score: accuracies in [0, 1], on the train votes and on others.
    resampled: hidden, the scores of bootstrap resamples of the other votes.
    """

    votes: np.ndarray
    factor: np.ndarray
    active: list[int]
    train: float
    score: float
    resampled: np.ndarray = attrs.field(default=NONE, repr=False, metadata={"hidden": True})


def factor_vae_score(codes: np.ndarray, factors: np.ndarray, *, sampler: Sampler | None = None, batch: int = 64,
                     train_votes: int = 10_000, votes: int = 5000, least: float = 0.05,
                     resamples: int = 0, seed: int = 0) -> FactorVaeScore:
    """Measure how well the dimension that varies least reveals a fixed factor (Kim & Mnih 2018, section 4).

    A vote draws `batch` images with one value of factor k, and is for (d, k), d = argmin_d Var_batch(z_d) / Var(z_d).
    The classifier names for each d the factor k with most votes. Dimensions that deviate less than `least` over all
    codes take no part; without any other the score is 0. Dense linear mixing often passes.

    codes: (N, D).
    factors: (N, K) whole numbers from 0.
    sampler: draws codes in place of the table's rows.
    resamples: the number of bootstrap resamples over the test votes.
    """
    codes, factors = table(codes, factors)
    size = factors.shape[1]
    variance = codes.var(0, ddof=1) if len(codes) > 1 else np.zeros(codes.shape[1])
    active = np.flatnonzero((np.sqrt(variance) >= least) & (variance > 0))
    if not len(active):
        return FactorVaeScore(np.zeros((codes.shape[1], size), np.int64), np.full(codes.shape[1], -1), [], 0.0, 0.0)
    sampler, random = sampler or sample_rows(codes, factors), np.random.default_rng(seed)
    tables = []
    for many in (train_votes, votes):
        counts = np.zeros((codes.shape[1], size), np.int64)
        for k, _, drawn in draws(sampler, many, size, 1, batch, random):
            relative = drawn[:, 0][:, :, active].var(1, ddof=1) / variance[active]
            counts[:, k] += np.bincount(active[relative.argmin(1)], minlength=codes.shape[1])
        tables.append(counts)
    rule = tables[0].argmax(1)
    train, score = (float(t[np.arange(len(t)), rule].sum() / t.sum()) for t in tables)
    again = random.binomial(votes, score, resamples) / max(votes, 1)         # a vote is right or not
    return FactorVaeScore(tables[0], np.where(tables[0].any(1), rule, -1), active.tolist(), train, score, again)
