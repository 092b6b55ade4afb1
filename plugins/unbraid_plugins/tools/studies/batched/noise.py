"""Noise for several seeds at once: each seed gets the numbers that it would draw alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import attrs
import torch
from torch import Tensor

from unbraid.values import Noise, Random, seed_at


@attrs.define
class Chorus(Random):
    """The noise of one random operation under vmap.

    streams: one stream for each seed.
    place: (1,), the index of the seed that vmap computes.
    """

    streams: Sequence[Random] = ()
    place: Tensor = attrs.Factory(lambda: torch.zeros(1, dtype=torch.long))

    def normal(self, *shape: int) -> Tensor:
        """Draw standard normal numbers of this shape, batch included."""
        return self._own(lambda stream: stream.normal(*shape))

    def uniform(self, *shape: int) -> Tensor:
        """Draw uniform numbers in [0, 1)."""
        return self._own(lambda stream: stream.uniform(*shape))

    def integers(self, high: int, *shape: int) -> Tensor:
        """Draw integers in [0, high)."""
        return self._own(lambda stream: stream.integers(high, *shape))

    def permutation(self, n: int) -> Tensor:
        """Draw a permutation of 0 ... n - 1."""
        return self._own(lambda stream: stream.permutation(n))

    def _own(self, draw: Callable[[Random], Tensor]) -> Tensor:
        return torch.stack([draw(s) for s in self.streams]).index_select(0, self.place).squeeze(0)


@attrs.define
class SeedNoise(Noise):
    """The noise of several seeds.  place: the index of the current seed, a number or, under vmap, a tensor (1,)."""

    seeds: Sequence[int] = ()
    place: int | Tensor = 0
    _own: list[Noise] = attrs.Factory(list)

    @contextmanager
    def of(self, place: int | Tensor) -> Iterator[None]:
        """Use the noise of the seed at this index within the context."""
        self.place = place
        yield

    def at(self, name: str) -> Random:
        """Return the stream of the operation with this name, from its beginning."""
        if not self._own:
            self._own = [Noise(seed, self.device, self.rank, dtype=self.dtype) for seed in self.seeds]
        for own in self._own:
            own.step, own.round, own.batch = self.step, self.round, self.batch
        if isinstance(self.place, int):
            return self._own[self.place].at(name)
        return Chorus(self.batch, self.device, None, self.dtype, [own.at(name) for own in self._own], self.place)


@attrs.define(eq=False)
class Generators:
    """torch's default generators, which dropout and similar layers use, with a separate state for each seed."""

    device: torch.device
    seeds: Sequence[int]
    _address: tuple[int | str, ...] = ()
    _states: list[list[Tensor] | None] = attrs.Factory(list)

    def begin(self, *address: int | str) -> None:
        """Restart the generators of every seed from this address."""
        self._address, self._states = address, [None] * len(self.seeds)

    @contextmanager
    def of(self, place: int) -> Iterator[None]:
        """Restore the generators of this seed within the context, and save their state at its end."""
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
