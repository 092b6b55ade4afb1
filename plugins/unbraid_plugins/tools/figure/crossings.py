"""The order of boxes in the columns of a figure, chosen so that few arrows cross (Sugiyama, Tagawa, Toda 1981)."""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Sequence

SWEEPS = 8
STARTS = 24                                        # initial orders that are tried, always the same ones

Pairs = Sequence[tuple[int, int]]                  # arrows between neighbouring columns, by the numbers of their ends
Side = tuple[dict[int, int], dict[int, list[int]]]


def ordered(columns: list[list[int]], arrows: Pairs) -> list[list[int]]:
    """Return the columns with their members reordered for fewer crossings; arrows lead from one column to the next."""
    return [list(c) for c in _ordered(tuple(map(tuple, columns)), tuple(arrows))]


@functools.lru_cache(maxsize=64)                   # a figure is drawn twice: as a file and as an image
def _ordered(columns: tuple[tuple[int, ...], ...], arrows: tuple[tuple[int, int], ...]) -> list[list[int]]:
    members = [m for column in columns for m in column]
    before: dict[int, list[int]] = {m: [] for m in members}
    after: dict[int, list[int]] = {m: [] for m in members}
    for source, target in arrows:
        before[target].append(source)
        after[source].append(target)
    best, fewest = [list(c) for c in columns], crossings(columns, after)
    for start in range(STARTS):
        now = [list(c) for c in columns]
        if start:
            chance = random.Random(start)
            for column in now:
                chance.shuffle(column)
        for sweep in range(SWEEPS):
            if fewest == 0:
                return _settled(_upright(best), before, after)
            forward = sweep % 2 == 0
            for at in range(1, len(now)) if forward else range(len(now) - 2, -1, -1):
                _by_mean(now, at, now[at - 1 if forward else at + 1], before if forward else after)
            _improve(now, before, after)
            count = crossings(now, after)
            if count < fewest:
                best, fewest = [list(c) for c in now], count
    return _settled(_upright(best), before, after)


def _upright(columns: list[list[int]]) -> list[list[int]]:
    """Turn all columns upside down if the first column is then closer to the order of the recipe."""
    wrong = sum(1 if a > b else -1 for i, a in enumerate(columns[0]) for b in columns[0][i + 1:]) if columns else 0
    return [column[::-1] for column in columns] if wrong > 0 else columns


def _settled(columns: list[list[int]], before: dict[int, list[int]], after: dict[int, list[int]]) -> list[list[int]]:
    """Sort neighbours that have the same arrows by the order of the recipe."""
    return [[m for _, group in itertools.groupby(column, lambda m: (before[m], after[m])) for m in sorted(group)]
            for column in columns]


def crossings(columns: Sequence[Sequence[int]], after: dict[int, list[int]]) -> int:
    """Return the number of pairs of arrows that cross."""
    total = 0
    for left, right in itertools.pairwise(columns):
        rank = {member: at for at, member in enumerate(right)}
        ends = [sorted(rank[t] for t in after[m]) for m in left]
        total += sum(a > b for i, above in enumerate(ends) for below in ends[i + 1:] for a in above for b in below)
    return total


def _by_mean(columns: list[list[int]], at: int, fixed: Sequence[int], neighbours: dict[int, list[int]]) -> None:
    """Sort a column by the mean position of each member's neighbours in the fixed column."""
    rank = {member: i for i, member in enumerate(fixed)}
    scale = max(len(fixed), 1) / max(len(columns[at]), 1)
    means = {m: sum(rank[n] for n in neighbours[m]) / len(neighbours[m]) if neighbours[m] else i * scale
             for i, m in enumerate(columns[at])}
    columns[at].sort(key=means.__getitem__)


def _improve(columns: list[list[int]], before: dict[int, list[int]], after: dict[int, list[int]]) -> None:
    """Move members up or down in their column while that removes crossings."""
    better = True
    while better:
        better = False
        for at, column in enumerate(columns):
            sides = tuple(({m: i for i, m in enumerate(columns[side])}, links)
                          for side, links in ((at - 1, before), (at + 1, after)) if 0 <= side < len(columns))

            @functools.cache
            def cost(above: int, below: int, sides: tuple[Side, ...] = sides) -> int:
                return sum(rank[a] > rank[b] for rank, links in sides for a in links[above] for b in links[below])

            for member in list(column):
                here = column.index(member)
                gain, place, total = 0, here, 0
                for i in range(here - 1, -1, -1):
                    total += cost(column[i], member) - cost(member, column[i])
                    if total > gain:
                        gain, place = total, i
                total = 0
                for i in range(here + 1, len(column)):
                    total += cost(member, column[i]) - cost(column[i], member)
                    if total > gain:
                        gain, place = total, i
                if gain:
                    column.insert(place, column.pop(here))
                    better = True
