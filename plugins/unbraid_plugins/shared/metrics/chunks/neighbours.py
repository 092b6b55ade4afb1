"""Neighbours by Euclidean distance, ties included: no result depends on the order of the images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs
import numpy as np

STEPS = 2.0 ** 40          # squared distances are rounded to this fraction of their bound: equal ones are ties
INDEX = 20                 # bits of an image's number in a sorting key
BLOCK = 512                # queries at a time, at most
DISTANCES = 2 ** 24        # at a time: some hundred megabytes with a million images
SELF = np.uint64(2 ** 64 - 1)


@attrs.frozen(eq=False)
class Ranking:
    """All other images by distance from some queries.

    queries: (Q,) row numbers.
    order: (Q, N - 1) row numbers, the nearest first.
    end: (Q, N - 1), for each position that of the last image at the same distance, None without ties.
    """

    queries: np.ndarray
    order: np.ndarray
    end: np.ndarray | None


def rounded_distances(codes: np.ndarray, queries: np.ndarray | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield blocks of queries (Q,) with their squared distances to all images, (Q, N) whole numbers.

    Distances that differ by less than about a millionth of the largest are equal.

    codes: (N, D).
    queries: (M, D), or None for the images themselves; then the distance of each to itself is SELF.
    """
    x = np.asarray(codes, np.float64)
    centre = x.mean(0)
    x = x - centre
    q = x if queries is None else np.asarray(queries, np.float64) - centre
    squares, own = np.einsum("nd,nd->n", x, x), np.einsum("nd,nd->n", q, q)
    scale = STEPS / bound if (bound := 4 * max(squares.max(), own.max(initial=0))) > 0 else 0.0
    size = max(min(BLOCK, DISTANCES // max(len(x), 1)), 1)
    for start in range(0, len(q), size):
        block = np.arange(start, min(start + size, len(q)))
        d = own[block, None] + squares[None] - 2 * (q[block] @ x.T)
        rounded = np.rint(np.maximum(d, 0) * scale).astype(np.uint64)
        if queries is None:
            rounded[block - start, block] = SELF
        yield block, rounded


def rankings(codes: np.ndarray) -> Iterator[Ranking]:
    """Yield the rankings of all images of codes (N, D), a block of queries at a time."""
    numbers = np.arange(len(codes), dtype=np.uint64)
    for queries, distance in rounded_distances(codes):
        keys = np.where(distance == SELF, SELF, distance << np.uint64(INDEX) | numbers)
        keys.sort(axis=1)
        keys = keys[:, :-1]                                          # the query itself is the last
        order = (keys & np.uint64(2 ** INDEX - 1)).astype(np.int32)
        yield Ranking(queries, order, _ends(keys >> np.uint64(INDEX)))


def _ends(distance: np.ndarray) -> np.ndarray | None:
    """Return for ascending distances (Q, M) the position of the last equal one, or None where all differ."""
    last = np.ones(distance.shape, bool)
    np.not_equal(distance[:, 1:], distance[:, :-1], out=last[:, :-1])
    if last.all():
        return None
    position = np.where(last, np.arange(distance.shape[1], dtype=np.int32), np.int32(2 ** 31 - 1))
    return np.minimum.accumulate(position[:, ::-1], axis=1)[:, ::-1]


def by_known(factors: Mapping[str, np.ndarray]) -> Iterator[tuple[np.ndarray, list[str]]]:
    """Yield the groups of factors that are known in the same rows: these rows, and the factors' names."""
    groups: dict[bytes, list[str]] = {}
    for name, labels in factors.items():
        groups.setdefault((np.asarray(labels) >= 0).tobytes(), []).append(name)
    for names in groups.values():
        yield np.flatnonzero(np.asarray(factors[names[0]]) >= 0), names
