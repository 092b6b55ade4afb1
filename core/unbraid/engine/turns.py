"""One turn: its gate, its losses, their gradients and its outcome.  Nothing is updated here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import attrs
import torch
from torch import Tensor, nn

from unbraid.engine import distributed
from unbraid.engine.interpreter import Interpreter
from unbraid.engine.optimizers import norm, plus
from unbraid.engine.plan import WATCH, CompiledTurn, State, Turn, TurnPlan
from unbraid.flow import ArithmeticOp, Node, Term
from unbraid.model import Step, preserved_buffers
from unbraid.values import Noise, Value, seed_at
from unbraid_configs.expressions import SIGNS

UPDATED, NOT_FINITE, GATE_CLOSED = "updated", "not finite", "gate closed"       # how a turn ends


@attrs.define(eq=False)
class StepReport:
    """The results of a step.  values: every loss ('player/term') and watched value; outcomes: how each turn ended."""

    step: int
    values: dict[str, Tensor] = attrs.Factory(dict)
    outcomes: list[tuple[str, str]] = attrs.Factory(list)
    not_finite: list[str] = attrs.Factory(list)

    def numbers(self) -> dict[str, float]:
        """Return the values as numbers: their means over the ranks."""
        return distributed.means({name: float(v) for name, v in self.values.items()})


@attrs.frozen(eq=False)
class TurnGradients:
    """The gradients of the weights that a player trains.

    finite: the number of micro-batches with finite losses and gradients; shape (), or (K,) for K seeds.
    """

    gradients: list[Tensor | None]
    finite: Tensor

    def plus(self, other: TurnGradients) -> TurnGradients:
        """Return the sum with the gradients of another micro-batch."""
        return TurnGradients([plus(a, b) for a, b in zip(self.gradients, other.gradients, strict=True)],
                             self.finite + other.finite)


@attrs.define(eq=False)
class TurnResult:
    """The result of a turn.  gradients: None if it may not update; outcome: UPDATED, NOT_FINITE or GATE_CLOSED."""

    turn: Turn
    outcome: str
    values: dict[str, Tensor] = attrs.Factory(dict)
    gradients: TurnGradients | None = None


class Updates(Protocol):
    """Interface of the object that updates weights: the players of a method."""

    def update(self, turn: Turn, gradients: TurnGradients, step: int) -> None:
        """Update the weights that a player trains, then run its `then` and update the EMA networks that follow."""
        ...


Culprits = Callable[[Mapping[str, Tensor]], list[str]]     # the terms among a turn's values that are not finite


@attrs.define(eq=False)
class OneModel:
    """The strategy for the turns of one training; tools/studies/batched has another, for several seeds at once.

    With several processes, gates, means and gradients are those of all processes together.
    """

    seed: int
    device: torch.device
    noise: Noise = attrs.field(init=False)
    trainings: int = attrs.field(init=False, default=1)

    def __attrs_post_init__(self) -> None:
        self.noise = Noise(self.seed, self.device, rank=distributed.rank(), dtype=torch.get_default_dtype())

    def wrap(self, node: Node, compute: Step) -> Step:
        """Return the computation of a node unchanged."""
        return compute

    def reseed(self, step: int, turn: int) -> None:
        """Seed the default generators, from which dropout and similar layers draw, by the turn's address."""
        reseed(self.device, seed_at(self.seed, step, "turn", turn, distributed.rank()))

    def opens(self, gate: Tensor) -> bool:
        """Return whether a gate lets the player move."""
        return bool(gate)

    def watched(self, value: Tensor) -> Tensor:
        """Return the number to log for a watched value: its mean."""
        return value.mean()

    def gradients(self, total: Tensor, turn: Turn, interpreter: Interpreter) -> TurnGradients:
        """Return the gradients of the weighted sum of a player's terms, and 1 if all are finite, else 0."""
        gradients = interpreter.gradients(total, turn.trains, interpreter.weights(turn.networks))
        return TurnGradients(gradients, torch.isfinite(total.detach() + norm(gradients)).to(total.dtype))

    def agreed(self, gradients: TurnGradients, weights: list[nn.Parameter], micro_batches: int) -> TurnGradients | None:
        """Return the means of gradients over the ranks; None unless those of all micro-batches and ranks are finite."""
        if distributed.world() > 1:
            *own, finite = distributed.average_gradients(
                [*gradients.gradients, gradients.finite], [*weights, torch.ones((), device=self.device)])
            assert finite is not None
            gradients = TurnGradients(own, finite)
        return gradients if float(gradients.finite) == micro_batches else None

    def update(self, players: Updates, turn: Turn, gradients: TurnGradients, step: int) -> None:
        """Update the weights that a player trains, by the training's own optimizers."""
        players.update(turn, gradients, step)

    def record(self, result: TurnResult, reports: list[StepReport], culprits: Culprits) -> None:
        """Record a turn's result, in one report for each training."""
        report, = reports
        report.values |= result.values
        if result.turn.trains:
            report.outcomes.append((result.turn.player, result.outcome))
        if result.outcome == NOT_FINITE:
            report.not_finite += culprits(result.values)


@attrs.define(eq=False)
class TurnRunner:
    """Runner of turns.  micro_batches: the number of micro-batches in a batch, computed one after the other."""

    interpreter: Interpreter
    strategy: OneModel
    micro_batches: int
    _once: dict[int, dict[int, Value]] = attrs.field(init=False, factory=dict)   # of a round, by micro-batch

    def play(self, compiled: CompiledTurn, step: int, number: int, round_: int) -> TurnResult:
        """Play the turn with this number: its gate, and the player's losses and gradients."""
        turn = compiled.turn
        if turn.opens_round:
            self._once.clear()
        if turn.when is not None and self.micro_batches > 1 and not self._opens(
                turn.when, self._asked_before(compiled, step, number, round_)):
            return TurnResult(turn, GATE_CLOSED)
        result, gradients = TurnResult(turn, UPDATED), None
        for micro_batch in range(self.micro_batches):
            self._begin(compiled, step, number, round_, micro_batch)
            with self.interpreter.autocast(), nullcontext() if turn.trains else self._preserved(compiled.plan):
                self.interpreter.run(compiled.gate)
                if turn.when is not None and self.micro_batches == 1 and not (
                        self._opens(turn.when, self._asked(turn.when))):
                    return TurnResult(turn, GATE_CLOSED)
                self.interpreter.run(compiled.losses)
            if self.micro_batches > 1:
                self._remember(micro_batch)
            if not turn.trains:
                self._watch(result, micro_batch)
                continue
            own = self.strategy.gradients(self._total(result, step, micro_batch), turn, self.interpreter)
            gradients = own if gradients is None else gradients.plus(own)
        if gradients is not None:
            weights = self.interpreter.weights(turn.networks)
            result.gradients = self.strategy.agreed(gradients, weights, self.micro_batches)
            result.outcome = NOT_FINITE if result.gradients is None else UPDATED
        return result

    def culprits(self, turn: Turn, step: int, values: Mapping[str, Tensor]) -> list[str]:
        """Return the terms of a player that are not finite, or its gradient if all terms are finite."""
        weights = {f"{turn.player}/{t.name}": t.weight.at(step) for t in self._active(turn, step)}
        finite = distributed.mean(torch.stack([torch.isfinite(w * values[name]).float()
                                               for name, w in weights.items()]))
        return [name for name, share in zip(weights, finite.tolist(), strict=True) if share < 1
                ] or [f"the gradient of {turn.player}"]

    # -- micro-batches ------------------------------------------------------------------------------------------------

    def _begin(self, compiled: CompiledTurn, step: int, number: int, round_: int, micro_batch: int) -> None:
        """Seed a micro-batch of a turn; where there are several, give it its own draws and noise."""
        self.strategy.reseed(step * self.micro_batches + micro_batch, number)
        if self.micro_batches > 1:
            self.interpreter.keep(State())
            once = self._once.get(micro_batch, {})
            self.interpreter.values |= once
            self.interpreter.constants |= once
            self.interpreter.open_round(step * self.micro_batches + micro_batch, round_, compiled.draws)

    def _remember(self, micro_batch: int) -> None:
        """Keep a micro-batch's values that are computed once per round, for the round's later players."""
        nodes = self.interpreter.method.flow.graph.nodes
        self._once.setdefault(micro_batch, {}).update(
            {i: v for i, v in self.interpreter.constants.items() if nodes[i].remembers})

    # -- losses -------------------------------------------------------------------------------------------------------

    def _total(self, result: TurnResult, step: int, micro_batch: int) -> Tensor:
        """Return the weighted sum of a player's terms, and note the terms' values."""
        total = None
        for term in self._active(result.turn, step):
            value = self.interpreter.values[term.node.index]
            weighted = value if (weight := term.weight.at(step)) == 1 else weight * value
            total = weighted if total is None else total + weighted
            self._note(result, f"{result.turn.player}/{term.name}", value, micro_batch)
        assert total is not None
        return total / self.micro_batches if self.micro_batches > 1 else total

    def _active(self, turn: Turn, step: int) -> Iterator[Term]:
        return self.interpreter.method.player_graphs[turn.player].active(step)

    def _watch(self, result: TurnResult, micro_batch: int) -> None:
        for name, node in self.interpreter.method.watched.items():
            value = self.strategy.watched(torch.as_tensor(self.interpreter.values[node.index]).detach().float())
            self._note(result, f"{WATCH}/{name}", value, micro_batch)

    def _note(self, result: TurnResult, name: str, value: Tensor, micro_batch: int) -> None:
        """Note a value of a turn: the mean over its micro-batches."""
        share = value.detach() / self.micro_batches if self.micro_batches > 1 else value.detach()
        result.values[name] = share if micro_batch == 0 else result.values[name] + share

    def _preserved(self, plan: TurnPlan) -> AbstractContextManager[None]:
        """Return a context that restores buffers, for computations that must not change the training."""
        networks = {n for instruction in plan.instructions for n in instruction.node.uses}
        return preserved_buffers([self.interpreter.method.modules[n] for n in sorted(networks)])

    # -- gates --------------------------------------------------------------------------------------------------------

    def _opens(self, when: Node, asked: Tensor) -> bool:
        """Return whether the means of a gate's numbers over the ranks open it; all ranks decide alike."""
        asked = distributed.mean(asked)
        compares = isinstance(when.op, ArithmeticOp) and len(asked) == 2
        return self.strategy.opens(SIGNS[when.op.sign](*asked) if compares else asked[0] > 0)  # type: ignore[union-attr]

    def _asked(self, when: Node) -> Tensor:
        """Return the numbers of a gate: the two sides of a comparison, or one number; (2,) or (1,)."""
        compares = isinstance(when.op, ArithmeticOp) and when.op.sign in ("<", "<=", ">", ">=")
        numbers = [self.interpreter.number(n) for n in (when.inputs if compares else (when,))]
        return torch.stack(torch.broadcast_tensors(*numbers))

    def _asked_before(self, compiled: CompiledTurn, step: int, number: int, round_: int) -> Tensor:
        """Return the means of a gate's numbers over a turn's micro-batches; the training is not changed."""
        assert compiled.turn.when is not None
        total = torch.zeros(())
        for micro_batch in range(self.micro_batches):
            self._begin(compiled, step, number, round_, micro_batch)
            with self.interpreter.autocast(), self._preserved(compiled.plan):
                self.interpreter.run(compiled.gate)
            total = self._asked(compiled.turn.when) / self.micro_batches + total
        return total


def reseed(device: torch.device, seed: int) -> None:
    """Seed the default generators, from which dropout and similar layers draw (far cheaper than torch.manual_seed)."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(seed)
