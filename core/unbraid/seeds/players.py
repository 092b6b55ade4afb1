"""The game of several seeds as one: losses and gradients on stacked weights, updates by each seed's own players."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import torch
from torch import Tensor

from unbraid.compute import Step, computation
from unbraid.gradients import laid_out
from unbraid.graph import Node
from unbraid.optimizers import Optimizer
from unbraid.outcomes import MOVED, SHUT, STAYED, Report
from unbraid.plan import Move
from unbraid.players import Players
from unbraid.prepared import Needs
from unbraid.random import Noise
from unbraid.seeds.noise import Generators, SeedNoise
from unbraid.seeds.stack import Stack
from unbraid.seeds.together import Seeds
from unbraid.values import Value, map_tensors


@attrs.define(eq=False)
class SeedPlayers(Players):
    """Plays for several seeds on one stack of their weights.

    Values are (K, ...), losses (K,); the gradient of their sum has each seed's gradients as its rows.
    singles: each seed's own players, who give its batches and make its updates.
    """

    singles: Sequence[Players] = ()
    stacks: dict[str, Stack] = attrs.Factory(dict)
    _seeds: Seeds = attrs.field(init=False)
    _reports: list[Report] = attrs.field(init=False, factory=list)
    _open: Tensor = attrs.field(init=False)        # (K,), whose gate is open in this turn

    @classmethod
    def of(cls, singles: Sequence[Players]) -> SeedPlayers:
        """The players of all these; their networks' weights become rows of a stack."""
        first = singles[0]
        stacks = {name: Stack.of(name, [s.method.modules[name] for s in singles]) for name in first.method.modules}

        def batch(step: int, round_: int, needs: Needs) -> Mapping[tuple[str, str | None], Value]:
            drawn = [s.batch(step, round_, needs) for s in singles]
            return {need: map_tensors(_stacked, *(own[need] for own in drawn)) for need in drawn[0]}

        method = attrs.evolve(first.method, modules={name: stack.module for name, stack in stacks.items()})
        return cls(method, batch, first.device, first.seed, first.precision, first.accumulate, singles=singles,
                   stacks=stacks)

    def play(self, step: int, *, watch: bool = False) -> list[Report]:
        """Let every player in play move, for all seeds; what each seed's step did."""
        self._reports = [Report(step) for _ in self.singles]
        self.step(step, watch=watch)
        return self._reports

    # -- what is each seed's own --------------------------------------------------------------------------------------

    def _noise(self) -> Noise:
        seeds = [s.seed for s in self.singles]
        noise = SeedNoise(self.seed, self.device, dtype=torch.get_default_dtype(), seeds=seeds)
        self._seeds = Seeds(len(seeds), self.stacks, noise, Generators(self.device, seeds))
        return noise

    def _optimizers(self) -> dict[str, Optimizer]:
        return {}

    def _computation(self, node: Node) -> Step:
        return self._seeds.computation(node, computation(node, self._around))

    def _reseed(self, step: int, turn: int) -> None:
        self._seeds.generators.begin(step, "turn", turn, 0)

    def _play(self, ready: Any, step: int, turn: int, round_: int, report: Report
              ) -> tuple[str, list[Tensor | None]]:
        self._open = torch.ones(len(self.singles), dtype=torch.bool, device=self.device)
        joint = Report(step)
        outcome, gradients = super()._play(ready, step, turn, round_, joint)
        values = {name: v.expand(len(self.singles)).unbind(0) for name, v in joint.values.items()}
        is_open, moved = self._open.tolist(), self._moved(gradients)
        for place, own in enumerate(self._reports):
            if is_open[place]:
                own.values |= {name: rows[place] for name, rows in values.items()}
            if ready.move.trains:
                how = SHUT if not is_open[place] else MOVED if moved[place] else STAYED
                own.outcomes.append((ready.move.player, how))
        return outcome, gradients

    def _is_open(self, when: Node, asked: Tensor) -> bool:
        self._open = self._gate(when, asked).expand(len(self.singles))
        return bool(self._open.any())

    def _mean(self, v: Tensor) -> Tensor:
        return v if v.ndim == 0 else v.reshape(len(self.singles), -1).mean(1)

    def _gradients(self, move: Move, step: int, report: Report, part: int) -> list[Tensor | None]:
        """The stacked gradients, and at the end (K,): 1 for each seed that may move by them."""
        total = self._total(move, step, report, part)
        weights = self._weights(self.method.recipe.players[move.player].trains)
        gradients = list(map(laid_out, self._differentiated(total.sum(), move), weights))
        finite = torch.isfinite(total.detach() + _norms(gradients))
        for place, (fine, is_open) in enumerate(zip(finite.tolist(), self._open.tolist(), strict=True)):
            if is_open and not fine:
                values = {name: v[place] for name, v in report.values.items()}
                self._reports[place].not_finite += self._culprits(move, step, values)
        return [*gradients, (finite & self._open).float()]

    def _agreed(self, move: Move, step: int, report: Report, gradients: Sequence[Tensor | None]
                ) -> list[Tensor | None] | None:
        return list(gradients) if any(self._moved(gradients)) else None

    def _moved(self, gradients: Sequence[Tensor | None]) -> list[bool]:
        """Which seeds move: those whose gradients were finite in all parts of the batch."""
        if not gradients or gradients[-1] is None:
            return [False for _ in self.singles]
        return (gradients[-1] == self.accumulate).tolist()

    def _update(self, move: Move, gradients: Sequence[Tensor | None], step: int) -> None:
        """Every seed moves by its own optimizer, on its rows of the stack."""
        for place, moves in enumerate(self._moved(gradients)):
            if moves:
                own = [None if g is None else g[place] for g in gradients[:-1]]
                self.singles[place]._update(move, own, step)


def _stacked(*rows: Tensor) -> Tensor:
    return torch.stack(rows)


def _norms(gradients: Sequence[Tensor | None]) -> Tensor:
    """The norm of each seed's gradients, (K,); 0 where there is none."""
    norms = [torch.linalg.vector_norm(g.reshape(len(g), -1), dim=1) for g in gradients if g is not None]
    return torch.stack(norms).norm(dim=0) if norms else torch.zeros(())
