"""Groups of images that agree in one factor, for the scores of Higgins et al. and of Kim and Mnih."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from unbraid_plugins.shared.metrics.disentanglement.factor_table import order_of

Sampler: TypeAlias = Callable[[int, int, int, np.random.Generator], np.ndarray]
"""(k, groups, size, random) -> codes (groups, size, D): `groups` times `size` images, at random but for factor k, which
has one value in each group."""

PORTION = 2 ** 16                                  # images at a time


def sample_rows(codes: np.ndarray, factors: np.ndarray) -> Sampler:
    """Return a sampler of the rows of a table.

    It draws the first of a group from all rows, and the others from the rows with its value of factor k. Where the
    table has every combination of factors equally often, this is drawing the factors themselves.

    codes: (N, D); factors: (N, K) whole numbers from 0.
    """
    orders = [order_of(v) for v in factors.T]
    counts = [np.bincount(v) for v in factors.T]
    starts = [np.cumsum(c) - c for c in counts]

    def sampler(k: int, groups: int, size: int, random: np.random.Generator) -> np.ndarray:
        first = random.integers(0, len(codes), groups)
        value = factors[first, k]
        others = (random.random((groups, size - 1)) * counts[k][value][:, None]).astype(np.int64)
        others = orders[k][starts[k][value][:, None] + others]
        return codes[np.concatenate([first[:, None], others], 1)]

    return sampler


def draws(sampler: Sampler, points: int, factors: int, groups: int, size: int,
          random: np.random.Generator) -> Iterator[tuple[int, slice, np.ndarray]]:
    """Yield (k, which points, codes) for about points / factors points of every factor; the number of each is random.

    The codes of a point are `groups` groups of `size` images that agree in factor k: (points, groups, size, D).
    """
    stop = 0
    for k, count in enumerate(random.multinomial(points, np.full(factors, 1 / factors))):
        portion = max(PORTION // (groups * size), 1)
        for start in range(0, count, portion):
            many = min(portion, count - start)
            drawn = sampler(k, many * groups, size, random)
            yield k, slice(stop, stop := stop + many), drawn.reshape(many, groups, size, -1)
