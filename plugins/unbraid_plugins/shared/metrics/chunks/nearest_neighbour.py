"""The accuracy of the nearest image's class."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, Factors, all_chunks, best_chunks, check_rows, mean
from unbraid_plugins.shared.metrics.chunks.neighbours import by_known, rounded_distances
from unbraid_plugins.shared.metrics.chunks.retrieval import chance
from unbraid_plugins.shared.metrics.disentanglement.factor_table import split


@attrs.frozen(eq=False)
class NearestNeighbours:
    """Accuracies of nearest neighbours, by factor and chunk.

    matrix: (factors, chunks) accuracies in [0, 1].
    chance: by factor.
    best: every factor's best chunk.
    score: mean accuracy of the best chunks.
    """

    factors: list[str]
    chunks: list[str]
    matrix: np.ndarray
    chance: dict[str, float]
    best: dict[str, str]
    score: float


@metric(better="higher")
def nearest_neighbour_accuracy(codes: np.ndarray, factors: Factors, chunks: Chunks | None = None, *,
                               train: np.ndarray | None = None, test: np.ndarray | None = None,
                               neighbours: int = 1) -> NearestNeighbours:
    """Return how often the nearest other image by a chunk has the query's class, by factor and chunk.

    Where several are nearest at one distance, the share of them that agrees counts. With more neighbours, their most
    frequent class is compared, the first of equally frequent ones; those at one distance share the last votes. Images
    of unknown class are left out.

    codes: (N, D).
    factors: name -> (N,) classes.
    chunks: name -> columns, or None for the whole code as one.
    train, test: rows to search and rows of queries, or None for each image among all others.
    neighbours: the number of neighbours that vote.

    Where only train or test is given, the other is the rest.
    """
    spans = all_chunks(codes, chunks)
    check_rows(codes, factors)
    if neighbours < 1:
        raise ValueError(f"neighbours must be one at least; found {neighbours}")
    names, columns = list(factors), list(spans)
    searched, asked = (None, None) if train is None and test is None else split(len(codes), train, test)
    matrix = np.zeros((len(names), len(columns)))
    for rows, known in by_known(factors):
        among = rows if searched is None else searched[np.isin(searched, rows)]
        queries = None if asked is None else asked[np.isin(asked, rows)]
        for j, (a, b) in enumerate(spans.values()):
            labels = {name: np.asarray(factors[name]) for name in known}
            for name, value in _agreement(codes[:, a:b], labels, among, queries, neighbours).items():
                matrix[names.index(name), j] = value
    best = best_chunks(matrix, names, columns)
    return NearestNeighbours(names, columns, matrix, {f: chance(np.asarray(factors[f])) for f in names}, best,
                             mean({f: float(row.max()) for f, row in zip(names, matrix, strict=True)}))


def _agreement(codes: np.ndarray, factors: dict[str, np.ndarray], among: np.ndarray, queries: np.ndarray | None,
               neighbours: int) -> dict[str, float]:
    """Return the share of queries whose neighbours agree, by factor.

    queries: row numbers, or None for each of `among` among the others.
    """
    asked = among if queries is None else queries
    if len(among) < 1 + (queries is None) or not len(asked):
        return dict.fromkeys(factors, 0.0)
    sums = dict.fromkeys(factors, 0.0)
    found = rounded_distances(codes[among], None if queries is None else codes[queries])
    for block, distance in found:
        rows, columns, share = _votes(distance, min(neighbours, len(among) - (queries is None)))
        for name, labels in factors.items():
            votes, own = labels[among[columns]], labels[asked[block]]
            if neighbours == 1:
                sums[name] += float(share[votes == own[rows]].sum())
            else:
                names, votes = np.unique(votes, return_inverse=True)
                counts = np.bincount(rows * len(names) + votes, share, len(block) * len(names))
                sums[name] += float((names[counts.reshape(len(block), -1).round(9).argmax(1)] == own).sum())
    return {name: total / len(asked) for name, total in sums.items()}


def _votes(distance: np.ndarray, neighbours: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the images that vote for queries: rows, columns and shares of votes, which sum to `neighbours` by row."""
    last = np.partition(distance, neighbours - 1, axis=1)[:, neighbours - 1, None]
    rows, columns = np.nonzero(distance <= last)
    nearer = (distance < last).sum(1)
    tied = (distance == last).sum(1)
    share = np.where((distance < last)[rows, columns], 1.0, ((neighbours - nearer) / tied)[rows])
    return rows, columns, share
