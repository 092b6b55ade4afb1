"""Several ranks in one process, in plain words: each plays until all have to agree, then the next one does.

Nothing here is shared with the module that makes real ranks agree, so that the two can be compared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from unbraid.data import Data
from unbraid.engine import distributed
from unbraid.values import Noise, Random, Value, map_tensors


class Simulation:
    """Ranks as threads of which one runs at a time; torch's generator is each one's own."""

    def __init__(self, world: int) -> None:
        self.world, self.turn, self.failed = world, 0, False
        self.next = threading.Condition()
        self.said: list[dict[int, Any]] = []       # at every meeting, what each rank brought
        self.met = [0] * world
        self.states: list[Tensor | None] = [None] * world
        self.me = threading.local()

    def run(self, play: Callable[[int], Any]) -> list[Any]:
        """What play(rank) gives, for all ranks."""
        results: list[Any] = [None] * self.world
        dtype = torch.get_default_dtype()

        def rank(number: int) -> None:
            self.me.rank = number
            try:
                self._wait(number)
                torch.set_default_dtype(dtype)
                results[number] = play(number)
            except BaseException as error:
                results[number], self.failed = error, True
            finally:
                self._pass_on(number)

        threads = [threading.Thread(target=rank, args=(n,)) for n in range(self.world)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return results

    def meet(self, brought: Any) -> list[Any]:
        """What all ranks brought to this meeting, in order."""
        number = self.me.rank
        at = self.met[number]
        self.met[number] += 1
        if at == len(self.said):
            self.said.append({})
        self.said[at][number] = brought
        self._pass_on(number)
        self._wait(number)
        return [self.said[at][rank] for rank in range(self.world)]

    def _pass_on(self, number: int) -> None:
        self.states[number] = torch.get_rng_state()
        with self.next:
            self.turn = (number + 1) % self.world
            self.next.notify_all()

    def _wait(self, number: int) -> None:
        with self.next:
            self.next.wait_for(lambda: self.turn == number or self.failed, 120)
        if self.failed:
            raise RuntimeError("another simulated rank failed")
        if (state := self.states[number]) is not None:
            torch.set_rng_state(state)

    # -- what the engine asks of other ranks --------------------------------------------------------------------------

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Let the engine of this process ask here."""
        for name in ("rank", "average", "average_gradients", "mean", "largest", "agreed", "gather"):
            patch.setattr(distributed, name, getattr(self, name))
        patch.setattr(distributed, "world", lambda: self.world)

    def rank(self) -> int:
        return int(self.me.rank)

    def mean(self, number: Tensor) -> Tensor:
        return sum(self.meet(number.clone())) / self.world  # type: ignore[no-any-return]

    def average(self, tensors: Sequence[Tensor]) -> None:
        for t in tensors:
            t.copy_(self.mean(t))

    def average_gradients(self, gradients: Sequence[Tensor | None], like: Sequence[Tensor]) -> list[Tensor | None]:
        rows = self.meet([None if g is None else g.clone() for g in gradients])
        return [None if all(g is None for g in each) else sum(g for g in each if g is not None) / self.world
                for each in zip(*rows, strict=True)]  # type: ignore[misc]

    def largest(self, number: int) -> int:
        return max(self.meet(number))

    def agreed(self, text: str) -> str:
        return str(self.meet(text)[0])

    def gather(self, tensor: Tensor) -> list[Tensor]:
        return self.meet(tensor.clone()) if self.rank() == 0 else self.meet(tensor.clone())[:0]


class JoinedData(Data):
    """Batches that are those of all ranks, one below the other.  parts: the data of each rank."""

    parts: Sequence[Data]

    def batch(self, step: int, round: int, needs: frozenset[Any], split: str = "train") -> dict[Any, Value]:
        batches: list[Mapping[Any, Value]] = [part.batch(step, round, needs, split) for part in self.parts]
        return {need: map_tensors(lambda *rows: torch.cat(rows), *(b[need] for b in batches)) for need in batches[0]}


class JoinedNoise(Noise):
    """Noise that is that of all ranks, one below the other."""

    world = 2

    def at(self, name: str) -> Random:
        address = {"batch": self.batch // self.world, "step": self.step, "round": self.round, "dtype": self.dtype}
        return JoinedRandom(self.batch, self.device, None, self.dtype, [
            Noise(self.seed, self.device, rank, **address).at(name) for rank in range(self.world)])


class JoinedRandom(Random):
    """The streams of all ranks, one below the other; of a throw for a whole batch, the first rank's."""

    def __init__(self, batch: int, device: torch.device, generator: None, dtype: torch.dtype,
                 streams: Sequence[Random]) -> None:
        super().__init__(batch, device, generator, dtype)
        self.streams = streams

    def normal(self, *shape: int) -> Tensor:
        return self._joined(lambda stream, rows: stream.normal(rows, *shape[1:]), shape[0])

    def uniform(self, *shape: int) -> Tensor:
        return self._joined(lambda stream, rows: stream.uniform(rows, *shape[1:]), shape[0])

    def integers(self, high: int, *shape: int) -> Tensor:
        return self._joined(lambda stream, rows: stream.integers(high, rows, *shape[1:]), shape[0])

    def _joined(self, draw: Callable[[Random, int], Tensor], rows: int) -> Tensor:
        if rows == 1:
            return draw(self.streams[0], 1)
        return torch.cat([draw(stream, rows // len(self.streams)) for stream in self.streams])
