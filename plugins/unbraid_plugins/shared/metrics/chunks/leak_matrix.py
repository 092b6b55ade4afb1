"""The leak matrix: which true factor moves which part of the code."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.bootstrap import NONE, counts
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, Factors, all_chunks, check_rows, one_to_one, pairs_of


@attrs.frozen(eq=False)
class LeakMatrix:
    """Movement of the parts of a code, when one factor of the image changes.

    factors: those of which there are pairs of images that differ in nothing else.
    parts: the parts of the code.
    moved: (factors, parts), 1: as much as between two images at random, 0: not at all.
    share: (factors, parts), the same, each row divided by its sum.
    pairs: the number of pairs by factor.
    one_to_one: every factor's part in the best assignment that uses no part twice.
    left_out: factors without such a pair.
    score: the mean share of the parts of one_to_one; 1 where each factor moves one part and no other.
    resampled: hidden, the scores of bootstrap resamples of the pairs.
    """

    factors: list[str]
    parts: list[str]
    moved: np.ndarray
    share: np.ndarray
    pairs: dict[str, int]
    one_to_one: dict[str, str]
    left_out: list[str]
    score: float
    resampled: np.ndarray = attrs.field(default=NONE, repr=False, metadata={"hidden": True})


@metric(better="higher")
def leak_matrix(codes: np.ndarray, factors: Factors, chunks: Chunks | None = None, *, pairs: int = 400,
                resamples: int = 0, seed: int = 0) -> LeakMatrix:
    """Measure which factor of the image moves which part of the code, of any method (after Shu et al. 2017, section 5).

        moved_kc = sqrt(E |f_c - f'_c|^2 over pairs that differ in factor k alone / E |f_c - f'_c|^2 over random pairs)
        score    = 1/K sum_k moved_k c(k) / sum_c moved_kc,   c: the one-to-one assignment of the largest sum

    A factor that two parts carry has 1/2 at most. A part that never moves has 0 everywhere.

    codes: (N, D).
    factors: name -> (N,) classes, -1 where unknown; images count whose factors are all known.
    chunks: name -> columns; by default the whole code is one part.
    pairs: the largest number of pairs for each factor.
    resamples: the number of bootstrap resamples over pairs.

    Raises ValueError where shapes do not fit, and where no two images differ in one factor alone.
    """
    spans = all_chunks(codes, chunks)
    check_rows(codes, factors)
    names = [n for n in factors if len(np.unique(np.asarray(factors[n])[np.asarray(factors[n]) >= 0])) > 1]
    table = np.stack([np.asarray(factors[n]) for n in names], 1) if names else np.empty((len(codes), 0), np.int64)
    known = np.flatnonzero((table >= 0).all(1))
    random = np.random.default_rng(seed)
    found = {n: alone(table[known], i, pairs, random) for i, n in enumerate(names)}
    left_out = [n for n, p in found.items() if not len(p)]
    found = {n: known[p] for n, p in found.items() if len(p)}
    if not found:
        raise ValueError("no two images differ in one factor alone: a leak matrix needs the combinations of factors")
    apart = _apart(codes, np.stack(pairs_of(len(codes), 4 * pairs, seed), 1), spans).mean(0)
    steps = [_apart(codes, p, spans) for p in found.values()]
    kept, parts = list(found), list(spans)
    moved = _moved([s.mean(0) for s in steps], apart)
    share = _shares(moved)
    again = []
    weights = [counts(len(s), resamples, seed + i) for i, s in enumerate(steps)]
    for drawn in zip(*weights, strict=True):
        again.append(_score(_shares(_moved([w @ s / w.sum() for w, s in zip(drawn, steps, strict=True)], apart))))
    return LeakMatrix(kept, parts, moved, share, {n: len(p) for n, p in found.items()}, one_to_one(share, kept, parts),
                      left_out, _score(share), np.asarray(again))


def alone(table: np.ndarray, column: int, most: int, random: np.random.Generator) -> np.ndarray:
    """Return at most `most` pairs of rows (P, 2) of a table of classes (N, K) that differ in one column alone.

    >>> alone(np.asarray([[0, 0], [0, 1], [1, 1]]), 1, 9, np.random.default_rng(0)).tolist()
    [[0, 1]]
    """
    rest = np.delete(table, column, 1)
    _, group = np.unique(rest, axis=0, return_inverse=True) if rest.shape[1] else (None, np.zeros(len(table), np.int64))
    order = random.permutation(len(table))
    order = order[np.argsort(group.reshape(-1)[order], kind="stable")]
    first, second = order[:-1], order[1:]
    fits = (group.reshape(-1)[first] == group.reshape(-1)[second]) & (table[first, column] != table[second, column])
    found = np.stack([first, second], 1)[fits]
    return np.sort(random.permutation(found)[:most], 1) if len(found) else found


def _apart(codes: np.ndarray, pairs: np.ndarray, spans: dict[str, tuple[int, int]]) -> np.ndarray:
    """Return the squared distances of pairs (P, 2) of codes in each part, (P, parts)."""
    off = np.square(codes[pairs[:, 0]].astype(np.float64) - codes[pairs[:, 1]])
    return np.stack([off[:, a:b].sum(1) for a, b in spans.values()], 1)


def _moved(steps: list[np.ndarray], apart: np.ndarray) -> np.ndarray:
    return np.sqrt(np.divide(np.stack(steps), apart, out=np.zeros((len(steps), len(apart))), where=apart > 1e-12))


def _shares(moved: np.ndarray) -> np.ndarray:
    sums = moved.sum(1, keepdims=True)
    return np.divide(moved, sums, out=np.zeros(moved.shape), where=sums > 0)


def _score(share: np.ndarray) -> float:
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(share, maximize=True)
    return float(share[rows, columns].sum() / len(share))
