"""Players for several seeds at once: losses and gradients on stacked weights, updates by the players of each seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import torch
from torch import Tensor, nn

from unbraid.engine import (
    GATE_CLOSED,
    NOT_FINITE,
    UPDATED,
    Culprits,
    Interpreter,
    Needs,
    OneModel,
    Players,
    StepReport,
    Turn,
    TurnGradients,
    TurnResult,
    Updates,
    laid_out,
)
from unbraid.flow import Node
from unbraid.model import Step
from unbraid.values import Value, map_tensors
from unbraid_plugins.tools.studies.batched.noise import Generators, SeedNoise
from unbraid_plugins.tools.studies.batched.stack import Stack
from unbraid_plugins.tools.studies.batched.vmapped import Seeds


def joint_players(singles: Sequence[Players]) -> Players:
    """Join the players of several seeds; their networks' weights become rows of a stack.

    singles: the players of each seed, which supply its batches and make its updates.
    """
    first = singles[0]
    stacks = {name: Stack.of(name, [s.method.modules[name] for s in singles]) for name in first.method.modules}

    def batch(step: int, round_: int, needs: Needs) -> Mapping[tuple[str, str | None], Value]:
        drawn = [s.batch(step, round_, needs) for s in singles]
        return {need: map_tensors(_stacked, *(own[need] for own in drawn)) for need in drawn[0]}

    method = attrs.evolve(first.method, modules={name: stack.module for name, stack in stacks.items()})
    return Players(method, batch, first.device, first.seed, first.precision, first.accumulate,
                   strategy=SeedsAtOnce(first.seed, first.device, singles, stacks))


@attrs.define(eq=False)
class SeedsAtOnce(OneModel):
    """The strategy that plays the turns of K seeds on one stack of their weights.

    Values are (K, ...), losses (K,). The rows of the gradient of their sum are the gradients of each seed.
    """

    singles: Sequence[Players] = ()
    stacks: dict[str, Stack] = attrs.Factory(dict)
    _seeds: Seeds = attrs.field(init=False)
    _parts: int = attrs.field(init=False)
    _open: Tensor = attrs.field(init=False)        # (K,), the seeds whose gate is open in this turn

    def __attrs_post_init__(self) -> None:
        first, seeds = self.singles[0], [s.seed for s in self.singles]
        noise = SeedNoise(first.seed, first.device, dtype=torch.get_default_dtype(), seeds=seeds)
        self.trainings, self.noise, self._parts = len(seeds), noise, first.accumulate
        self._seeds = Seeds(len(seeds), self.stacks, noise, Generators(first.device, seeds))
        self._open = self._everybody()

    def _everybody(self) -> Tensor:
        return torch.ones(self.trainings, dtype=torch.bool, device=self.singles[0].device)

    def wrap(self, node: Node, compute: Step) -> Step:
        """Return a node's computation for values (K, ...) of all seeds."""
        return self._seeds.computation(node, compute)

    def reseed(self, step: int, turn: int) -> None:
        """Seed the default generators of every seed by the turn's address."""
        self._seeds.generators.begin(step, "turn", turn, 0)

    def opens(self, gate: Tensor) -> bool:
        """Whether any seed's gate is open."""
        self._open = gate.expand(self.trainings)
        return bool(self._open.any())

    def watched(self, value: Tensor) -> Tensor:
        """Return the mean of a watched value for each seed, (K,)."""
        return value if value.ndim == 0 else value.reshape(self.trainings, -1).mean(1)

    def gradients(self, total: Tensor, turn: Turn, interpreter: Interpreter) -> TurnGradients:
        """Return the stacked gradients; their `finite` (K,) is 1 for each seed that may update with them."""
        weights = interpreter.weights(turn.networks)
        gradients = list(map(laid_out, interpreter.gradients(total.sum(), turn.networks, weights), weights))
        finite = torch.isfinite(total.detach() + _norms(gradients))
        return TurnGradients(gradients, (finite & self._open).float())

    def agreed(self, gradients: TurnGradients, weights: list[nn.Parameter], micro_batches: int) -> TurnGradients | None:
        """Return the gradients, or None if no seed may update with them."""
        return gradients if any(self._usable(gradients)) else None

    def update(self, players: Updates, turn: Turn, gradients: TurnGradients, step: int) -> None:
        """Update every usable seed with its own optimizer, on its rows of the stack."""
        for place, usable in enumerate(self._usable(gradients)):
            if usable:
                own = [None if g is None else g[place] for g in gradients.gradients]
                self.singles[place].update(turn, TurnGradients(own, gradients.finite[place]), step)

    def record(self, result: TurnResult, reports: list[StepReport], culprits: Culprits) -> None:
        """Record values and outcome of a turn in the report of each seed."""
        values = {name: v.expand(self.trainings).unbind(0) for name, v in result.values.items()}
        is_open = self._open.tolist() if result.outcome != GATE_CLOSED else [False] * self.trainings
        usable = [False] * self.trainings if result.gradients is None else self._usable(result.gradients)
        for place, report in enumerate(reports):
            own = {name: rows[place] for name, rows in values.items()}
            report.values |= own if is_open[place] else {}
            if result.turn.trains:
                outcome = GATE_CLOSED if not is_open[place] else UPDATED if usable[place] else NOT_FINITE
                report.outcomes.append((result.turn.player, outcome))
                report.not_finite += culprits(own) if outcome == NOT_FINITE else []
        self._open = self._everybody()

    def _usable(self, gradients: TurnGradients) -> list[bool]:
        """Return for each seed whether it updates: an open gate and finite gradients in all micro-batches."""
        return (gradients.finite == self._parts).tolist()


def _stacked(*rows: Tensor) -> Tensor:
    return torch.stack(rows)


def _norms(gradients: Sequence[Tensor | None]) -> Tensor:
    """Return the norm of each seed's gradients, (K,); a single 0 without any gradients."""
    norms = [torch.linalg.vector_norm(g.reshape(len(g), -1), dim=1) for g in gradients if g is not None]
    return torch.stack(norms).norm(dim=0) if norms else torch.zeros(())
