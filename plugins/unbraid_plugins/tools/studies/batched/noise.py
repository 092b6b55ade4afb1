"""Noise for several seeds at once: each gets the numbers that it would have drawn alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import attrs
import torch
from torch import Tensor

from unbraid.values import Noise, Random, seed_at


@attrs.define
class Chorus(Random):
    """The noise of one random operation under vmap.  streams: the seeds' own; place: (1,), which of them is meant."""

    streams: Sequence[Random] = ()
    place: Tensor = attrs.Factory(lambda: torch.zeros(1, dtype=torch.long))

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers of this (whole) shape."""
        return self._own(lambda stream: stream.normal(*shape))

    def uniform(self, *shape: int) -> Tensor:
        """Numbers in [0, 1)."""
        return self._own(lambda stream: stream.uniform(*shape))

    def integers(self, high: int, *shape: int) -> Tensor:
        """Whole numbers in [0, high)."""
        return self._own(lambda stream: stream.integers(high, *shape))

    def permutation(self, n: int) -> Tensor:
        """A permutation of 0 ... n - 1."""
        return self._own(lambda stream: stream.permutation(n))

    def _own(self, draw: Callable[[Random], Tensor]) -> Tensor:
        return torch.stack([draw(s) for s in self.streams]).index_select(0, self.place).squeeze(0)


@attrs.define
class SeedNoise(Noise):
    """The noise of several seeds.  seeds: theirs; place: whose turn it is, a number or (1,) under vmap."""

    seeds: Sequence[int] = ()
    place: int | Tensor = 0
    _own: list[Noise] = attrs.Factory(list)

    @contextmanager
    def of(self, place: int | Tensor) -> Iterator[None]:
        """Within, the noise is that of this seed."""
        self.place = place
        yield

    def at(self, name: str) -> Random:
        """The stream of the operation with this name, from its beginning."""
        if not self._own:
            self._own = [Noise(seed, self.device, self.rank, dtype=self.dtype) for seed in self.seeds]
        for own in self._own:
            own.step, own.round, own.batch = self.step, self.round, self.batch
        if isinstance(self.place, int):
            return self._own[self.place].at(name)
        return Chorus(self.batch, self.device, None, self.dtype, [own.at(name) for own in self._own], self.place)


@attrs.define(eq=False)
class Generators:
    """torch's default generators, from which dropout and its like draw, for each of several seeds in turn."""

    device: torch.device
    seeds: Sequence[int]
    _address: tuple[int | str, ...] = ()
    _states: list[list[Tensor] | None] = attrs.Factory(list)

    def begin(self, *address: int | str) -> None:
        """From here on they are seeded with this address."""
        self._address, self._states = address, [None] * len(self.seeds)

    @contextmanager
    def of(self, place: int) -> Iterator[None]:
        """Within, they go on where this seed left them."""
        generators, states = self._generators(), self._states[place]
        for i, generator in enumerate(generators):
            if states is None:
                generator.manual_seed(seed_at(self.seeds[place], *self._address))
            else:
                generator.set_state(states[i])
        yield
        self._states[place] = [g.get_state() for g in generators]

    def _generators(self) -> list[torch.Generator]:
        cuda = [torch.cuda.default_generators[self.device.index or 0]] if self.device.type == "cuda" else []
        return [torch.default_generator, *cuda]
