"""Randomness with an address: the same numbers whenever the same thing is asked for again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np


def stream(*address: int | str) -> np.random.Generator:
    """The random numbers of one address, such as (seed, step, round, draw, rank)."""
    key = hashlib.blake2b(repr(address).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))


class Epochs:
    """Goes through things in a new order in every epoch: by position, so that nothing has to be remembered.

    >>> epochs = Epochs()
    >>> sorted(epochs.at(np.arange(5), 5, "seed").tolist())
    [0, 1, 2, 3, 4]
    """

    def __init__(self, keep: int = 64) -> None:
        self.keep = keep
        self._orders: OrderedDict[tuple, np.ndarray] = OrderedDict()

    def at(self, positions: np.ndarray, n: int, *address: int | str) -> np.ndarray:
        """The numbers in 0 ... n - 1 at these positions of an endless row of permutations of n things."""
        epochs = positions // n
        if len(positions) and epochs[0] == epochs.min() == epochs.max():
            return self._order(n, *address, int(epochs[0]))[positions % n]
        chosen = np.empty(len(positions), np.int64)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            chosen[here] = self._order(n, *address, int(epoch))[positions[here] % n]
        return chosen

    def _order(self, n: int, *address: int | str) -> np.ndarray:
        key = (n, *address)
        if key not in self._orders:
            self._orders[key] = stream("epoch", *address).permutation(n)
            while len(self._orders) > self.keep:
                self._orders.popitem(last=False)
        self._orders.move_to_end(key)
        return self._orders[key]
