"""How often the nearest image agrees."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.metrics.chunks import Chunks, Factors, all_chunks, best_chunks, check_rows, mean
from unbraid_plugins.metrics.distances import by_known, rounded_distances
from unbraid_plugins.metrics.retrieval import chance


@attrs.frozen(eq=False)
class NearestNeighbours:
    """matrix: (factors, chunks) accuracies in [0, 1]; chance and best chunk by factor; score: mean of the best."""

    factors: list[str]
    chunks: list[str]
    matrix: np.ndarray
    chance: dict[str, float]
    best: dict[str, str]
    score: float


@metric
def nearest_neighbour_accuracy(codes: np.ndarray, factors: Factors, chunks: Chunks | None = None) -> NearestNeighbours:
    """How often the nearest other image by a chunk has the query's class, by factor and chunk.

    Of several nearest at one distance, the share that agrees counts. Images of unknown class are left out.

    codes: (N, D); factors: name -> (N,) classes; chunks: name -> columns, None: the whole code as one.
    """
    spans = all_chunks(codes, chunks)
    check_rows(codes, factors)
    names, columns = list(factors), list(spans)
    matrix = np.zeros((len(names), len(columns)))
    for rows, known in by_known(factors):
        labels = {name: np.asarray(factors[name])[rows] for name in known}
        for j, (a, b) in enumerate(spans.values()):
            for name, value in _agreement(codes[rows, a:b], labels).items():
                matrix[names.index(name), j] = value
    best = best_chunks(matrix, names, columns)
    return NearestNeighbours(names, columns, matrix, {f: chance(np.asarray(factors[f])) for f in names}, best,
                             mean({f: float(row.max()) for f, row in zip(names, matrix, strict=True)}))


def _agreement(codes: np.ndarray, factors: dict[str, np.ndarray]) -> dict[str, float]:
    if len(codes) < 2:
        return dict.fromkeys(factors, 0.0)
    sums = dict.fromkeys(factors, 0.0)
    for queries, distance in rounded_distances(codes):
        rows, columns = np.nonzero(distance == distance.min(1, keepdims=True))
        share = 1 / np.bincount(rows)[rows]
        for name, labels in factors.items():
            sums[name] += float(share[labels[queries[rows]] == labels[columns]].sum())
    return {name: total / len(codes) for name, total in sums.items()}
