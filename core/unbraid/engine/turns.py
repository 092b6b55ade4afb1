"""One turn: its gate, its losses and their gradients, and what came of it.  Nothing is updated here."""

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
    """What a step did.  values: every loss ('player/term') and watched value; outcomes: how each turn ended."""

    step: int
    values: dict[str, Tensor] = attrs.Factory(dict)
    outcomes: list[tuple[str, str]] = attrs.Factory(list)
    not_finite: list[str] = attrs.Factory(list)

    def numbers(self) -> dict[str, float]:
        """The values as numbers, their means over the ranks."""
        return distributed.means({name: float(v) for name, v in self.values.items()})


@attrs.frozen(eq=False)
class TurnGradients:
    """The gradients of what a player trains.

    finite: in how many parts of the batch its losses and their gradients were finite; (), or (K,) for K seeds.
    """

    gradients: list[Tensor | None]
    finite: Tensor

    def plus(self, other: TurnGradients) -> TurnGradients:
        """The sum with those of another part of the batch."""
        return TurnGradients([plus(a, b) for a, b in zip(self.gradients, other.gradients, strict=True)],
                             self.finite + other.finite)


@attrs.define(eq=False)
class TurnResult:
    """What came of a turn.  gradients: where it may update; outcome: UPDATED, NOT_FINITE or GATE_CLOSED."""

    turn: Turn
    outcome: str
    values: dict[str, Tensor] = attrs.Factory(dict)
    gradients: TurnGradients | None = None


class Updates(Protocol):
    """Who moves weights: the players of a method."""

    def update(self, turn: Turn, gradients: TurnGradients, step: int) -> None:
        """Move the weights that a player trains, then what its `then` says and the averages that follow."""
        ...


Culprits = Callable[[Mapping[str, Tensor]], list[str]]     # the terms among a turn's values that are not finite


@attrs.define(eq=False)
class OneModel:
    """How the turns of one training are carried out; several seeds at once (tools/studies/batched) do it otherwise.

    With several processes, gates, means and gradients are those of all of them.
    """

    seed: int
    device: torch.device
    noise: Noise = attrs.field(init=False)
    trainings: int = attrs.field(init=False, default=1)

    def __attrs_post_init__(self) -> None:
        self.noise = Noise(self.seed, self.device, rank=distributed.rank(), dtype=torch.get_default_dtype())

    def wrap(self, node: Node, compute: Step) -> Step:
        """How a node is computed: as it is."""
        return compute

    def reseed(self, step: int, turn: int) -> None:
        """Seed the default generators, from which dropout and its like draw, by the turn's address."""
        reseed(self.device, seed_at(self.seed, step, "turn", turn, distributed.rank()))

    def opens(self, gate: Tensor) -> bool:
        """Whether a gate lets the player move."""
        return bool(gate)

    def watched(self, value: Tensor) -> Tensor:
        """What is logged of a watched value: its mean."""
        return value.mean()

    def gradients(self, total: Tensor, turn: Turn, interpreter: Interpreter) -> TurnGradients:
        """The gradients of the weighted sum of a player's terms, and 1 if all are finite."""
        gradients = interpreter.gradients(total, turn.trains, interpreter.weights(turn.networks))
        return TurnGradients(gradients, torch.isfinite(total.detach() + norm(gradients)).to(total.dtype))

    def agreed(self, gradients: TurnGradients, weights: list[nn.Parameter], parts: int) -> TurnGradients | None:
        """The gradients to update with, means over the ranks; None where some are not finite, in a part on a rank."""
        if distributed.world() > 1:
            *own, finite = distributed.average_gradients(
                [*gradients.gradients, gradients.finite], [*weights, torch.ones((), device=self.device)])
            assert finite is not None
            gradients = TurnGradients(own, finite)
        return gradients if float(gradients.finite) == parts else None

    def update(self, players: Updates, turn: Turn, gradients: TurnGradients, step: int) -> None:
        """Move the weights that a player trains, by the training's own optimizers."""
        players.update(turn, gradients, step)

    def record(self, result: TurnResult, reports: list[StepReport], culprits: Culprits) -> None:
        """Write down what came of a turn, in one report for each training."""
        report, = reports
        report.values |= result.values
        if result.turn.trains:
            report.outcomes.append((result.turn.player, result.outcome))
        if result.outcome == NOT_FINITE:
            report.not_finite += culprits(result.values)


@attrs.define(eq=False)
class TurnRunner:
    """Plays turns.  parts: how many a batch is computed in, one after the other."""

    interpreter: Interpreter
    strategy: OneModel
    parts: int
    _once: dict[int, dict[int, Value]] = attrs.field(init=False, factory=dict)   # of a round, by part of the batch

    def play(self, compiled: CompiledTurn, step: int, number: int, round_: int) -> TurnResult:
        """A player's losses and gradients in the turn of this number."""
        turn = compiled.turn
        if turn.opens_round:
            self._once.clear()
        if turn.when is not None and self.parts > 1 and not self._opens(
                turn.when, self._asked_before(compiled, step, number, round_)):
            return TurnResult(turn, GATE_CLOSED)
        result, gradients = TurnResult(turn, UPDATED), None
        for part in range(self.parts):
            self._begin(compiled, step, number, round_, part)
            with self.interpreter.autocast(), nullcontext() if turn.trains else self._preserved(compiled.plan):
                self.interpreter.run(compiled.gate)
                if turn.when is not None and self.parts == 1 and not self._opens(turn.when, self._asked(turn.when)):
                    return TurnResult(turn, GATE_CLOSED)
                self.interpreter.run(compiled.losses)
            if self.parts > 1:
                self._remember(part)
            if not turn.trains:
                self._watch(result, part)
                continue
            own = self.strategy.gradients(self._total(result, step, part), turn, self.interpreter)
            gradients = own if gradients is None else gradients.plus(own)
        if gradients is not None:
            weights = self.interpreter.weights(turn.networks)
            result.gradients = self.strategy.agreed(gradients, weights, self.parts)
            result.outcome = NOT_FINITE if result.gradients is None else UPDATED
        return result

    def culprits(self, turn: Turn, step: int, values: Mapping[str, Tensor]) -> list[str]:
        """The terms of a player that are not finite."""
        weights = {f"{turn.player}/{t.name}": t.weight.at(step) for t in self._active(turn, step)}
        finite = distributed.mean(torch.stack([torch.isfinite(w * values[name]).float()
                                               for name, w in weights.items()]))
        return [name for name, share in zip(weights, finite.tolist(), strict=True) if share < 1
                ] or [f"the gradient of {turn.player}"]

    # -- parts of a batch ---------------------------------------------------------------------------------------------

    def _begin(self, compiled: CompiledTurn, step: int, number: int, round_: int, part: int) -> None:
        """What is random in a part of a turn; where there are several, they have batches and noise of their own."""
        self.strategy.reseed(step * self.parts + part, number)
        if self.parts > 1:
            self.interpreter.keep(State())
            once = self._once.get(part, {})
            self.interpreter.values |= once
            self.interpreter.constants |= once
            self.interpreter.open_round(step * self.parts + part, round_, compiled.draws)

    def _remember(self, part: int) -> None:
        """Keep for the round's later players what happens once per round, in a part of it."""
        nodes = self.interpreter.method.flow.graph.nodes
        self._once.setdefault(part, {}).update(
            {i: v for i, v in self.interpreter.constants.items() if nodes[i].remembers})

    # -- losses -------------------------------------------------------------------------------------------------------

    def _total(self, result: TurnResult, step: int, part: int) -> Tensor:
        """The weighted sum of a player's terms, whose values are noted."""
        total = None
        for term in self._active(result.turn, step):
            value = self.interpreter.values[term.node.index]
            weighted = value if (weight := term.weight.at(step)) == 1 else weight * value
            total = weighted if total is None else total + weighted
            self._note(result, f"{result.turn.player}/{term.name}", value, part)
        assert total is not None
        return total / self.parts if self.parts > 1 else total

    def _active(self, turn: Turn, step: int) -> Iterator[Term]:
        return self.interpreter.method.player_graphs[turn.player].active(step)

    def _watch(self, result: TurnResult, part: int) -> None:
        for name, node in self.interpreter.method.watched.items():
            value = self.strategy.watched(torch.as_tensor(self.interpreter.values[node.index]).detach().float())
            self._note(result, f"{WATCH}/{name}", value, part)

    def _note(self, result: TurnResult, name: str, value: Tensor, part: int) -> None:
        """Note a value of a turn, the mean over the parts of its batch."""
        share = value.detach() / self.parts if self.parts > 1 else value.detach()
        result.values[name] = share if part == 0 else result.values[name] + share

    def _preserved(self, plan: TurnPlan) -> AbstractContextManager[None]:
        """For a look that must not change the training."""
        networks = {n for instruction in plan.instructions for n in instruction.node.uses}
        return preserved_buffers([self.interpreter.method.modules[n] for n in sorted(networks)])

    # -- gates --------------------------------------------------------------------------------------------------------

    def _opens(self, when: Node, asked: Tensor) -> bool:
        """Whether the means of a gate's numbers open it; all ranks decide alike."""
        asked = distributed.mean(asked)
        compares = isinstance(when.op, ArithmeticOp) and len(asked) == 2
        return self.strategy.opens(SIGNS[when.op.sign](*asked) if compares else asked[0] > 0)  # type: ignore[union-attr]

    def _asked(self, when: Node) -> Tensor:
        """What a gate asks: the two sides of a comparison, or one number; (2,) or (1,)."""
        compares = isinstance(when.op, ArithmeticOp) and when.op.sign in ("<", "<=", ">", ">=")
        numbers = [self.interpreter.number(n) for n in (when.inputs if compares else (when,))]
        return torch.stack(torch.broadcast_tensors(*numbers))

    def _asked_before(self, compiled: CompiledTurn, step: int, number: int, round_: int) -> Tensor:
        """The mean of what a gate asks over the parts of a turn, by a look that changes nothing."""
        assert compiled.turn.when is not None
        total = torch.zeros(())
        for part in range(self.parts):
            self._begin(compiled, step, number, round_, part)
            with self.interpreter.autocast(), self._preserved(compiled.plan):
                self.interpreter.run(compiled.gate)
            total = self._asked(compiled.turn.when) / self.parts + total
        return total


def reseed(device: torch.device, seed: int) -> None:
    """Seed the default generators, from which dropout and its like draw (much cheaper than torch.manual_seed)."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(seed)
