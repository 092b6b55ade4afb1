"""Random numbers with an address: the same (seed, step, round, name, rank) gives the same numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import attrs
import numpy as np
import torch
from torch import Tensor


def seed_at(*address: int | str) -> int:
    """Return a seed of 63 bits for an address."""
    return int.from_bytes(blake2b(repr(address).encode(), digest_size=8).digest(), "big") >> 1


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's default generator inside the block, and restore it afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


@attrs.define
class Random:
    """The random numbers of one operation.  batch: the size of the batch; device: the device of the numbers.

    generator: seeded by the operation's address; None on the meta device, where numbers have no values.
    """

    batch: int
    device: torch.device
    generator: torch.Generator | None = None
    dtype: torch.dtype = torch.float32

    def normal(self, *shape: int) -> Tensor:
        """Return standard normal numbers of this (whole) shape."""
        return torch.randn(shape, generator=self.generator, device=self.device, dtype=self.dtype)

    def uniform(self, *shape: int) -> Tensor:
        """Return uniform numbers in [0, 1)."""
        return torch.rand(shape, generator=self.generator, device=self.device, dtype=self.dtype)

    def integers(self, high: int, *shape: int) -> Tensor:
        """Return whole numbers in [0, high)."""
        return torch.randint(high, shape, generator=self.generator, device=self.device)

    def permutation(self, n: int) -> Tensor:
        """Return a permutation of 0 ... n - 1."""
        return torch.randperm(n, generator=self.generator, device=self.device)


@attrs.define
class Noise:
    """The random numbers of a round: every random operation gets a separate stream."""

    seed: int
    device: torch.device
    rank: int = 0
    batch: int = 1
    step: int = 0
    round: int = 0
    dtype: torch.dtype = torch.float32
    _generator: torch.Generator | None = None

    def at(self, name: str) -> Random:
        """Return the stream of the operation with this name, from its beginning."""
        if self.device.type == "meta":
            return Random(self.batch, self.device, None, self.dtype)
        if self._generator is None:
            self._generator = torch.Generator(self.device)
        self._generator.manual_seed(seed_at(self.seed, self.step, self.round, name, self.rank))
        return Random(self.batch, self.device, self._generator, self.dtype)


def stream(*address: int | str) -> np.random.Generator:
    """Return a NumPy generator for an address, such as (seed, step, round, draw, rank)."""
    key = hashlib.blake2b(repr(address).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))
