"""Partners: the rows that share some factors with a given row and differ from it in others."""

from __future__ import annotations

from itertools import combinations
from typing import TypeAlias

import numpy as np

from unbraid.data.images import Field

Pair: TypeAlias = tuple[np.ndarray, np.ndarray]

_NONE = np.iinfo(np.int64).max


def joint_codes(own: list[Field], first: list[Field] | None = None) -> Pair:
    """Number the rows by the values of some fields: equal values get equal numbers, and unknown values get -1.

    own, first: the same factors of two sources (first None: of one source). Classes are compared by name where both
    have names.  Returns the numbers of own, (N,), and of first, (M,).
    """
    both = [(a, a) for a in own] if first is None else list(zip(own, first, strict=True))
    n = len(own[0].values)
    code = np.zeros(n if first is None else n + len(first[0].values), np.int64)
    known = np.ones(len(code), bool)
    for a, b in both:
        values, sure = _values(a, named := a.names is not None and b.names is not None), a.known()
        if first is not None:
            values = np.concatenate([values, _values(b, named)])
            sure = np.concatenate([sure, b.known()])
        one = _number(values)
        code = _number(code * (int(one.max()) + 1) + one)
        known &= sure
    code = np.where(known, code, -1)
    return (code, code) if first is None else (code[:n], code[n:])


def _values(field: Field, named: bool) -> np.ndarray:
    if named and field.names is not None:
        return np.asarray([*field.names, ""])[field.values]
    return field.values.astype(np.float64).reshape(len(field.values), -1)


def _number(values: np.ndarray) -> np.ndarray:
    """Replace equal values by equal whole numbers from 0."""
    flat = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    return np.unique(flat, axis=0 if flat.ndim > 1 else None, return_inverse=True)[1].reshape(-1)


class Partners:
    """For every row that comes first, the rows that may come second, ready to pick from.

    same: one (own, first) pair of `joint_codes` for all shared factors together.
    different: one such pair for each factor that must differ.
    allowed: (N,) booleans, the existing second rows.
    itself: whether both are rows of one source, where no row is its own partner.
    """

    def __init__(self, same: Pair | None, different: list[Pair], allowed: np.ndarray, firsts: int,
                 itself: bool) -> None:
        nothing = (np.zeros(len(allowed), np.int64), np.zeros(firsts, np.int64))
        (own, first), pairs = same or nothing, different or [nothing]
        self.different = different
        known = allowed & (own >= 0)
        first_known = first >= 0
        for a, b in different:
            known, first_known = known & (a >= 0), first_known & (b >= 0)
        rows = np.flatnonzero(known)
        block_own, block_first = pairs[0]
        width = int(max(block_own.max(initial=0), block_first.max(initial=0))) + 1
        key, block = own[rows], own[rows] * width + block_own[rows]
        order = np.argsort(block, kind="stable")
        self.rows, key, block = rows[order], key[order], block[order]
        self.start = np.searchsorted(key, first, "left")
        self.end = np.searchsorted(key, first, "right")
        self.block_start = self.block_end = self.start
        if different:
            wanted = first * width + block_first
            self.block_start = np.searchsorted(block, wanted, "left")
            self.block_end = np.searchsorted(block, wanted, "right")
        self.at = np.full(firsts, -1, np.int64)                       # a row's own place among the second rows
        if itself and not different:
            self.at[self.rows] = np.arange(len(self.rows))
        size = (self.end - self.start) - (self.block_end - self.block_start) - (self.at >= 0)
        if len(different) > 1:
            size = self._count(own, first, known)
        self.size = np.where(first_known, size, 0)

    def _count(self, own: np.ndarray, first: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Count the partners that differ in every one of several factors, by inclusion and exclusion."""
        total = np.zeros(len(first), np.int64)
        for k in range(len(self.different) + 1):
            for chosen in combinations(self.different, k):
                a, b = own, first
                for own_code, first_code in chosen:
                    width = int(max(own_code.max(initial=0), first_code.max(initial=0))) + 1
                    both = np.concatenate([a * width + own_code, b * width + first_code])
                    both = _number(both)
                    a, b = both[:len(a)], both[len(a):]
                keys = np.sort(a[known])
                total += (-1) ** k * (np.searchsorted(keys, b, "right") - np.searchsorted(keys, b, "left"))
        return total

    def pick(self, firsts: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
        """Pick n partners of each row, (B,) -> (B, n), uniformly; none is picked again before all were picked."""
        if len(self.different) > 1:
            return self._pick_by_trying(firsts, n, random)
        start, skip = self.start[firsts], self.block_start[firsts]
        skipped = self.block_end[firsts] - skip
        own = np.where(self.at[firsts] >= 0, self.at[firsts] - start, _NONE)
        taken = own[:, None]
        used = np.zeros(len(firsts), np.int64)
        picked = np.empty((len(firsts), n), np.int64)
        for j in range(n):
            again = used >= self.size[firsts]                        # all were picked: begin anew
            taken = np.where(again[:, None] & (np.arange(taken.shape[1]) > 0), _NONE, taken)
            used = np.where(again, 0, used)
            free = self.size[firsts] - used
            u = np.minimum((random.random(len(firsts)) * free).astype(np.int64), free - 1)
            for t in np.sort(taken, axis=1).T:
                u = u + (u >= t)
            taken, used = np.concatenate([taken, u[:, None]], 1), used + 1
            place = start + u
            picked[:, j] = self.rows[place + np.where(place >= skip, skipped, 0)]
        return picked

    def _pick_by_trying(self, firsts: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
        picked = np.full((len(firsts), n), -1, np.int64)
        start, skip = self.start[firsts], self.block_start[firsts]
        skipped = self.block_end[firsts] - skip
        size = (self.end[firsts] - start) - skipped
        for _ in range(32 if n == 1 else 0):
            todo = np.flatnonzero(picked[:, 0] < 0)
            if not len(todo):
                break
            place = start[todo] + np.minimum((random.random(len(todo)) * size[todo]).astype(np.int64), size[todo] - 1)
            rows = self.rows[place + np.where(place >= skip[todo], skipped[todo], 0)]
            fine = np.logical_and.reduce([a[rows] != b[firsts[todo]] for a, b in self.different])
            picked[todo[fine], 0] = rows[fine]
        for i in np.flatnonzero(picked[:, 0] < 0):
            rows = self.rows[start[i]:self.end[firsts[i]]]
            fine = np.logical_and.reduce([a[rows] != b[firsts[i]] for a, b in self.different])
            picked[i] = np.resize(random.permutation(rows[fine]), n)
        return picked
