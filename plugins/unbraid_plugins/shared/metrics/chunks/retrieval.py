"""Mean average precision of retrieval by each chunk: the table of Hu et al. 2018."""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.chunks.chunks import (
    Chunks,
    Factors,
    all_chunks,
    best_chunks,
    check_rows,
    mean,
    one_to_one,
)
from unbraid_plugins.shared.metrics.chunks.neighbours import Ranking, by_known, rankings


@attrs.frozen(eq=False)
class RetrievalMap:
    """Mean average precisions of retrieval, by factor and chunk.

    matrix: (factors, chunks) mean average precisions in [0, 1].
    chance: by factor, of a code that knows nothing.
    best: every factor's best chunk.
    one_to_one: every factor's chunk in the best assignment that uses no chunk twice.
    score: mean of the best.
    score_one_to_one: mean over all factors by `one_to_one`; a factor without a chunk counts as chance.
    """

    factors: list[str]
    chunks: list[str]
    matrix: np.ndarray
    chance: dict[str, float]
    best: dict[str, str]
    one_to_one: dict[str, str]
    score: float
    score_one_to_one: float

    def at(self, factor: str, chunk: str) -> float:
        """Return the mean average precision of a factor by a chunk."""
        return float(self.matrix[self.factors.index(factor), self.chunks.index(chunk)])


@metric(better="higher")
def retrieval_map(codes: np.ndarray, factors: Factors, chunks: Chunks | None = None, *,
                  distance: Literal["euclidean", "cosine"] = "euclidean") -> RetrievalMap:
    """Return the mean average precision of nearest-neighbour retrieval, by factor and chunk (Hu et al. 2018).

    Each image is a query for all others, by the distance of one chunk; those of its class are relevant.

        AP = 1/R sum_i P(i),    over the R relevant ones, P(i) the precision among all that are no farther than i

    Images at one distance count as found together (as in scikit-learn), so a constant code gives exactly chance: the
    share of the query's class among the others. Queries alone in their class and images of unknown class are left out.

    codes: (N, D).
    factors: name -> (N,) classes.
    chunks: name -> columns, or None for the whole code as one.
    """
    if distance not in ("euclidean", "cosine"):
        raise ValueError(f"distance is 'euclidean' or 'cosine'; found {distance!r}")
    spans = all_chunks(codes, chunks)
    check_rows(codes, factors)
    found: dict[tuple[str, str], float] = {}
    for rows, names in by_known(factors):
        known = {name: np.asarray(factors[name])[rows] for name in names}
        for chunk, (a, b) in spans.items():
            own = codes[rows, a:b] if distance == "euclidean" else _directions(codes[rows, a:b])
            for name, value in _precisions(own, known).items():
                found[name, chunk] = value
    names, columns = list(factors), list(spans)
    matrix = np.asarray([[found[f, c] for c in columns] for f in names]).reshape(len(names), len(columns))
    best, single = best_chunks(matrix, names, columns), one_to_one(matrix, names, columns)
    lucky = {f: chance(np.asarray(factors[f])) for f in names}
    return RetrievalMap(names, columns, matrix, lucky, best, single, mean({f: found[f, c] for f, c in best.items()}),
                        mean({f: found[f, single[f]] if f in single else lucky[f] for f in names}))


def _precisions(codes: np.ndarray, factors: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the mean average precision of all known factors by one chunk's codes (N, d)."""
    if len(codes) < 2:
        return dict.fromkeys(factors, 0.0)
    sums, counts = dict.fromkeys(factors, 0.0), dict.fromkeys(factors, 0)
    compact = {name: np.unique(labels, return_inverse=True)[1].astype(np.int32) for name, labels in factors.items()}
    for ranking in rankings(codes):
        for name, labels in compact.items():
            relevant = labels.take(ranking.order, mode="clip") == labels[ranking.queries, None]
            precisions = average_precisions(relevant, ranking)
            answered = precisions[~np.isnan(precisions)]
            sums[name] += float(answered.sum())
            counts[name] += len(answered)
    return {name: sums[name] / max(counts[name], 1) for name in factors}


def _directions(codes: np.ndarray) -> np.ndarray:
    """Return the codes (N, d) scaled to length 1; 0 stays 0.

    Their Euclidean distances have the order of their angles.
    """
    codes = np.asarray(codes, np.float64)
    lengths = np.linalg.norm(codes, axis=1, keepdims=True)
    return np.divide(codes, lengths, out=np.zeros_like(codes), where=lengths > 0)


def average_precisions(relevant: np.ndarray, ranking: Ranking) -> np.ndarray:
    """Return the average precision of every query, (Q,); NaN where no image is relevant.

    relevant: (Q, M) booleans, in the order of the ranking.
    """
    queries, others = relevant.shape
    counts = relevant.sum(1)
    flat = np.flatnonzero(relevant)                                  # an array of pairs takes several times longer
    columns = flat - np.repeat(np.arange(queries) * others, counts)
    if ranking.end is None:
        hits = np.arange(1, len(flat) + 1) - np.repeat(np.cumsum(counts) - counts, counts)
    else:
        rows = np.repeat(np.arange(queries), counts)
        columns = ranking.end[rows, columns]
        hits = np.cumsum(relevant, axis=1, dtype=np.int32)[rows, columns]
    sums = np.bincount(np.repeat(np.arange(queries), counts), hits / (columns + 1), minlength=queries)
    return np.divide(sums, counts, out=np.full(queries, np.nan), where=counts > 0)


def chance(labels: np.ndarray) -> float:
    """Return the mean share of a query's class among the other images; queries alone in their class are left out."""
    counts = np.bincount(labels[labels >= 0])
    counts = counts[counts > 1]
    return float((counts * (counts - 1)).sum() / counts.sum() / max((labels >= 0).sum() - 1, 1)) if len(counts) else 0.0
