"""DCI: disentanglement, completeness and informativeness."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_all_start_methods, get_context

import attrs
import numpy as np

from unbraid_plugins.shared.metrics.disentanglement.boosted_trees import Boosted, boosted_trees
from unbraid_plugins.shared.metrics.disentanglement.factor_table import split, table

LARGE = 5 * 10 ** 8                                # numbers to scan: some ten seconds, worth more processes


@attrs.frozen(eq=False)
class Dci:
    """Disentanglement, completeness and informativeness.

    importance: (D, K), each column of sum 1, or 0 where no tree splits.
    disentanglement, completeness: in [0, 1].
    informativeness: accuracy on the test rows, mean over factors.
    informativeness_train: the same on the training rows.
    score: disentanglement.
    """

    importance: np.ndarray
    disentanglement: float
    completeness: float
    informativeness: float
    informativeness_train: float
    score: float


def dci(codes: np.ndarray, factors: np.ndarray, *, train: np.ndarray | None = None, test: np.ndarray | None = None,
        rounds: int = 100, workers: int | None = None, seed: int = 0) -> Dci:
    """Measure disentanglement, completeness and informativeness (Eastwood & Williams 2018, section 2).

    Boosted trees predict each factor from the code; R_dk is the importance of dimension d for factor k.

        disentanglement = sum_d (sum_k R_dk / sum R) (1 - H_K(R_d. / sum_k R_dk)): no dimension serves two factors
        completeness    = sum_k (sum_d R_dk / sum R) (1 - H_D(R_.k / sum_d R_dk)): no factor takes two dimensions
        informativeness = the accuracy of the trees; it measures content, not disentanglement

    H_n is the entropy with the logarithm to base n.

    codes: (N, D).
    factors: (N, K) whole numbers from 0.
    train, test: rows to fit on and to test on.
    workers: processes that fit a factor each; by default as many as there are cores, where fitting takes long.

    The number of workers does not change the result.
    """
    codes, factors = table(codes, factors)
    rows, others = split(len(codes), train, test)
    fitted = _fitted(codes[rows], factors[rows], codes[others], factors[others], rounds, workers, seed)
    importance = np.stack([f.importance for f in fitted], 1)
    disentangled = disentanglement(importance)
    return Dci(importance, disentangled, completeness(importance), float(np.mean([f.test for f in fitted])),
               float(np.mean([f.train for f in fitted])), disentangled)


def _fitted(train: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray, rounds: int,
            workers: int | None, seed: int) -> list[Boosted]:
    """Fit the trees of every factor; several processes begin with the factors of most classes."""
    fit = partial(boosted_trees, rounds=rounds, seed=seed)
    classes = [len(np.unique(v)) for v in labels.T]
    if workers is None:
        workers = len(os.sched_getaffinity(0)) if sum(classes) * rounds * train.size > LARGE and _can_fork() else 1
    if min(workers, len(classes)) < 2:
        return [fit(train, v, test, t) for v, t in zip(labels.T, truth.T, strict=True)]
    with ProcessPoolExecutor(min(workers, len(classes)), get_context("fork" if _can_fork() else None)) as pool:
        largest_first = np.argsort(classes, kind="stable")[::-1]
        waiting = {k: pool.submit(fit, train, labels[:, k], test, truth[:, k]) for k in largest_first}
        return [waiting[k].result() for k in range(len(classes))]


def _can_fork() -> bool:
    return "fork" in get_all_start_methods() and hasattr(os, "sched_getaffinity")


def disentanglement(importance: np.ndarray) -> float:
    """Return one minus the normalised entropy of the rows of importances (D, K), averaged by the rows' sums.

    >>> round(disentanglement(np.asarray([[.7, .1, 0], [.1, .6, .1], [.2, .3, .9], [0, 0, 0]])), 6)
    0.351036
    """
    sums = importance.sum(1)
    weights = sums / sums.sum() if sums.sum() > 0 else np.full(len(sums), 1 / len(sums))
    return float(weights @ _undivided(importance))


def completeness(importance: np.ndarray) -> float:
    """Return the `disentanglement` of the columns of importances (D, K)."""
    return disentanglement(importance.T)


def _undivided(parts: np.ndarray) -> np.ndarray:
    """Return one minus the normalised entropy of each row: (D,)."""
    if parts.shape[1] == 1:
        return np.ones(len(parts))
    p = parts + 1e-11
    p = p / p.sum(1, keepdims=True)
    return 1 + (p * np.log(p)).sum(1) / np.log(parts.shape[1])
