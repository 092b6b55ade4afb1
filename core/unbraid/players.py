"""The players' turns: losses, gradients and updates, on plans made once per pattern of active terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from unbraid import distributed
from unbraid.compute import Step, Surroundings, computation, detached
from unbraid.expression import SIGNS
from unbraid.flow import Game
from unbraid.followers import follow, undisturbed
from unbraid.gradients import clipped, laid_out, norm, plus
from unbraid.graph import ArithmeticOp, Node
from unbraid.method import Method
from unbraid.moves import WATCH, in_play, moves_of
from unbraid.optimizers import Optimizer, optimizer_for
from unbraid.outcomes import MOVED, SHUT, STAYED, Report
from unbraid.plan import NOBODY, Instruction, Move, Planner, State, TurnPlan
from unbraid.prepared import Call, Needs, StepPlan, Turn
from unbraid.random import Noise, seed_at
from unbraid.values import Value, map_tensors
from unbraid_configs.recipe import Player

Batch = Callable[[int, int, Needs], Mapping[tuple[str, str | None], Value]]      # step, round, what is needed


@attrs.define(eq=False)
class Players:
    """Plays a method's game on its networks.

    batch: gives the draws of a round. The state between steps is in the networks, the averages and the optimizers.
    """

    method: Method
    batch: Batch
    device: torch.device
    seed: int = 0
    precision: str = "float32"
    accumulate: int = 1
    optimizers: dict[str, Optimizer] = attrs.field(init=False)
    noise: Noise = attrs.field(init=False)
    _around: Surroundings = attrs.field(init=False)
    _steps: dict[Any, StepPlan] = attrs.field(init=False, factory=dict)
    _computes: dict[int, Step] = attrs.field(init=False, factory=dict)
    _values: dict[int, Value] = attrs.field(init=False, factory=dict)
    _constants: dict[int, Value] = attrs.field(init=False, factory=dict)
    _once: dict[int, dict[int, Value]] = attrs.field(init=False, factory=dict)     # of a round, by part of the batch
    _wanting: dict[str, bool] = attrs.field(init=False, factory=dict)
    _parameters: dict[str, list[nn.Parameter]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        m = self.method
        self.noise = self._noise()
        self._around = Surroundings(m.modules, m.layouts, m.layout, self.noise)
        self._parameters = {name: list(module.parameters()) for name, module in m.modules.items()}
        for name in m.wants_sets:
            m.modules[name].wants_sets = True  # type: ignore[assignment]
        self.optimizers = self._optimizers()
        for module in m.modules.values():
            module.requires_grad_(False)

    def _noise(self) -> Noise:
        return Noise(self.seed, self.device, rank=distributed.rank(), dtype=torch.get_default_dtype())

    def _optimizers(self) -> dict[str, Optimizer]:
        r = self.method.recipe
        return {name: optimizer_for(p.optimizer or r.train.optimizer, self._weights(p.trains),
                                    self.method.flow.weights, f"players.{name}.optimizer")
                for name, p in r.players.items()}

    # -- a step -------------------------------------------------------------------------------------------------------

    def step(self, step: int, *, watch: bool = False) -> Report:
        """Let every player in play move.  watch: also compute the watched values."""
        if self.device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()     # what graphs gave out in the step before is no longer used
        planned = self._planned(step, watch)
        report = Report(step)
        self._around.step = step
        self._modes(step)
        outcomes: list[str] = []
        state, round_, together = State(), 0, self.method.recipe.train.moves == "together"
        updates: list[tuple[Move, list[Tensor | None]]] = []
        for turn, move in enumerate(planned.moves):
            if move.opens_round:
                round_ += 1
                self._once.clear()
            ready = self._turn(planned, turn, tuple(outcomes), state)
            if self.accumulate == 1 and (turn == 0 or move.opens_round):
                self._open_round(step, round_, ready.draws)
            outcome, gradients = self._play(ready, step, turn, round_, report)
            if outcome == MOVED and move.trains:
                if together:
                    updates.append((move, gradients))
                else:
                    self._update(move, gradients, step)
            if self.accumulate == 1:
                state = planned.planner.after(turn, ready.plan, outcome == MOVED, outcome != SHUT)
            elif outcome != SHUT:                  # nothing is kept between players but what happens once per round
                state = planned.planner.after(turn, ready.plan, outcome == MOVED).once(self.method.flow.graph)
            self._keep(state)
            outcomes.append(outcome)
            if move.trains:
                report.outcomes.append((move.player, outcome))
        for move, gradients in updates:
            self._update(move, gradients, step)
        self._keep(State())
        return report

    def in_play(self, step: int) -> dict[str, Player]:
        """The players whose time it is."""
        return in_play(self.method.recipe, step)

    def _modes(self, step: int) -> None:
        """Networks that a player in play trains are at work, all others at rest."""
        working = {t for p in self.in_play(step).values() for t in p.trains}
        for name, module in self.method.modules.items():
            if module.training != (name in working):
                module.train(name in working)

    def _play(self, ready: Turn, step: int, turn: int, round_: int, report: Report
              ) -> tuple[str, list[Tensor | None]]:
        """One player's losses and gradients; nothing is updated yet."""
        move, gradients = ready.move, list[Tensor | None]()
        if move.when is not None and self.accumulate > 1 and not self._is_open(
                move.when, self._asked_before(ready, step, turn, round_)):
            return SHUT, []
        for part in range(self.accumulate):
            self._begin(ready, step, turn, round_, part)
            with self._autocast(), self._undisturbed(ready.plan) if not move.trains else nullcontext():
                self._run(ready.gate)
                if move.when is not None and self.accumulate == 1 and not self._is_open(
                        move.when, self._asked(move.when)):
                    return SHUT, []
                self._run(ready.losses)
            if self.accumulate > 1:
                self._remember(part)
            if not move.trains:
                self._watch(report, part)
                continue
            own = self._gradients(move, step, report, part)
            gradients = own if part == 0 else [plus(a, b) for a, b in zip(gradients, own, strict=True)]
        if not move.trains:
            return MOVED, []
        whole = self._agreed(move, step, report, gradients)
        return (STAYED, []) if whole is None else (MOVED, whole)

    def _begin(self, ready: Turn, step: int, turn: int, round_: int, part: int) -> None:
        """What is random in a part of a turn; where there are several, they have batches and noise of their own."""
        self._reseed(step * self.accumulate + part, turn)
        if self.accumulate > 1:
            self._keep(State())
            self._values |= (once := self._once.get(part, {}))
            self._constants |= once
            self._open_round(step * self.accumulate + part, round_, ready.draws)

    def _remember(self, part: int) -> None:
        """Keep for the round's later players what happens once per round, in a part of it."""
        nodes = self.method.flow.graph.nodes
        self._once.setdefault(part, {}).update({i: v for i, v in self._constants.items() if nodes[i].remembers})

    def _gradients(self, move: Move, step: int, report: Report, part: int) -> list[Tensor | None]:
        """The gradients of the weighted sum of a player's terms, and at the end 1 if they are finite, else 0."""
        total = self._total(move, step, report, part)
        gradients = self._differentiated(total, move)
        return [*gradients, torch.isfinite(total.detach() + norm(gradients)).to(total.dtype)]

    def _agreed(self, move: Move, step: int, report: Report, gradients: Sequence[Tensor | None]
                ) -> list[Tensor | None] | None:
        """A turn's gradients, their means over the ranks; None where they are not finite, in some part on some rank."""
        if distributed.world() > 1:
            weights = self._weights(self.method.recipe.players[move.player].trains)
            gradients = distributed.average_gradients(gradients, [*weights, torch.ones((), device=self.device)])
        *whole, finite = gradients
        if finite is not None and float(finite) == self.accumulate:
            return whole
        report.not_finite += self._culprits(move, step, report.values)
        return None

    def _total(self, move: Move, step: int, report: Report, part: int) -> Tensor:
        """The weighted sum of a player's terms, whose values are noted."""
        total = None
        for term in self._active(self.method.games[move.player], step):
            value = self._values[term.node.index]
            weighted = value if (weight := term.weight.at(step)) == 1 else weight * value
            total = weighted if total is None else total + weighted
            self._note(report, f"{move.player}/{term.name}", value, part)
        assert total is not None
        return total / self.accumulate if self.accumulate > 1 else total

    def _differentiated(self, total: Tensor, move: Move) -> list[Tensor | None]:
        """The gradients of a number with respect to all that the player trains."""
        for name in move.trains:
            self._want(name, True)
        weights = self._weights(self.method.recipe.players[move.player].trains)
        if not total.requires_grad:
            return [None] * len(weights)
        return list(torch.autograd.grad(total, weights, allow_unused=True))

    def _culprits(self, move: Move, step: int, values: Mapping[str, Tensor]) -> list[str]:
        """The terms of a player that are not finite."""
        terms = {f"{move.player}/{t.name}": t.weight.at(step)
                 for t in self._active(self.method.games[move.player], step)}
        finite = distributed.mean(torch.stack([torch.isfinite(w * values[name]).float() for name, w in terms.items()]))
        return [name for name, share in zip(terms, finite.tolist(), strict=True) if share < 1
                ] or [f"the gradient of {move.player}"]

    def _update(self, move: Move, gradients: Sequence[Tensor | None], step: int) -> None:
        """Move the player's weights, then what its `then` says and the averages that follow."""
        p = self.method.recipe.players[move.player]
        weights = self._weights(p.trains)
        if p.clip is not None:
            gradients = clipped(gradients, p.clip)
        for w, g in zip(weights, gradients, strict=True):
            w.grad = laid_out(g, w)
        self.optimizers[move.player].step(step)
        for w in weights:
            w.grad = None
        if move.then is not None:
            with torch.no_grad():
                self._direct(move.then)
        updated = move.trains | (move.then.depends if move.then else frozenset())
        for average, of in self.method.flow.graph.averages.items():
            if of in updated:
                follow(self.method.modules[average], self.method.modules[of],
                       self.method.recipe.networks[average].decay)

    def _direct(self, node: Node) -> Value:
        return self._compute(node)([self._direct(i) for i in node.inputs])

    # -- running instructions -----------------------------------------------------------------------------------------

    def _run(self, calls: Iterable[Call]) -> None:
        values, constants = self._values, self._constants
        for call in calls:
            inputs = []
            for index, graph in call.inputs:
                if graph or (v := constants.get(index)) is None:
                    v = values[index]
                    if not graph:
                        v = constants[index] = detached(v)
                inputs.append(v)
            if call.graph:
                for network, wanted in call.switches:
                    self._want(network, wanted)
                v = call.compute(inputs)
                constants.pop(call.index, None)
            else:
                with torch.no_grad():
                    v = call.compute(inputs)
                constants[call.index] = v
            values[call.index] = v
            for index in call.drop:
                values.pop(index, None)
                constants.pop(index, None)

    def _want(self, network: str, wanted: bool) -> None:
        if self._wanting.get(network, False) != wanted:
            self._wanting[network] = wanted
            for weight in self._parameters[network]:
                weight.requires_grad_(wanted)

    def _keep(self, state: State) -> None:
        for index in [i for i in self._values if i not in state.owners]:
            del self._values[index]
            self._constants.pop(index, None)

    def _open_round(self, step: int, round_: int, needs: Needs) -> None:
        draws = self.batch(step, round_, needs)
        self._around.draws = {name: map_tensors(self._on_device, v) for name, v in draws.items()}
        self.noise.step, self.noise.round, self.noise.batch = step, round_, self.method.facts.batch

    def _on_device(self, t: Tensor) -> Tensor:
        return t.to(self.device, torch.get_default_dtype()) if t.is_floating_point() else t.to(self.device)

    def _autocast(self) -> Any:
        if self.precision == "bf16":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return nullcontext()

    def _is_open(self, when: Node, asked: Tensor) -> bool:
        return bool(self._gate(when, asked))

    def _gate(self, when: Node, asked: Tensor) -> Tensor:
        """Whether the means of a gate's numbers open it; all ranks decide alike."""
        asked = distributed.mean(asked)
        return SIGNS[when.op.sign](*asked) if isinstance(when.op, ArithmeticOp) and len(asked) == 2 else asked[0] > 0

    def _asked(self, when: Node) -> Tensor:
        """What a gate asks: the two sides of a comparison, or one number; (2,) or (1,)."""
        nodes = when.inputs if _compares(when) else (when,)
        numbers = [torch.as_tensor(self._constants.get(n.index, self._values[n.index]),
                                   dtype=torch.get_default_dtype(), device=self.device).detach() for n in nodes]
        return torch.stack(torch.broadcast_tensors(*numbers))

    def _asked_before(self, ready: Turn, step: int, turn: int, round_: int) -> Tensor:
        """The mean of what a gate asks over the parts of a turn, by a look that changes nothing."""
        assert ready.move.when is not None
        total = torch.zeros(())
        for part in range(self.accumulate):
            self._begin(ready, step, turn, round_, part)
            with self._autocast(), self._undisturbed(ready.plan):
                self._run(ready.gate)
            total = self._asked(ready.move.when) / self.accumulate + total
        return total

    def _undisturbed(self, plan: TurnPlan) -> AbstractContextManager[None]:
        """For a look that must not change the training."""
        networks = {n for instruction in plan.instructions for n in instruction.node.uses}
        return undisturbed([self.method.modules[n] for n in sorted(networks)])

    def _watch(self, report: Report, part: int) -> None:
        for name, node in self.method.watched.items():
            value = self._mean(torch.as_tensor(self._values[node.index]).detach().float())
            self._note(report, f"{WATCH}/{name}", value, part)

    def _note(self, report: Report, name: str, value: Tensor, part: int) -> None:
        """Note a value of a step, the mean over the parts of a turn."""
        share = value.detach() / self.accumulate if self.accumulate > 1 else value.detach()
        report.values[name] = share if part == 0 else report.values[name] + share

    def _mean(self, v: Tensor) -> Tensor:
        return v.mean()

    # -- planning -----------------------------------------------------------------------------------------------------

    def _active(self, game: Game, step: int) -> list[Any]:
        return [t for t in game.terms if t.weight.at(step) != 0]

    def _planned(self, step: int, watch: bool) -> StepPlan:
        active = {name: tuple(t.node.index for t in self._active(self.method.games[name], step))
                  for name in self.in_play(step)}
        pattern = (watch, tuple(active.items()))
        if pattern not in self._steps:
            moves = moves_of(self.method, {name: [self.method.flow.graph.nodes[i] for i in nodes]
                                           for name, nodes in active.items()}, watch=watch)
            planner = Planner(self.method.flow.graph, moves, self.method.recipe.train.moves == "together")
            self._steps[pattern] = StepPlan(planner, moves)
        return self._steps[pattern]

    def _turn(self, planned: StepPlan, turn: int, outcomes: tuple[str, ...], state: State) -> Turn:
        if outcomes not in planned.turns:
            plan = planned.planner.plan(turn, state)
            planned.turns[outcomes] = Turn(planned.moves[turn], plan, tuple(map(self._ready, plan.gate)),
                                           tuple(map(self._ready, plan.losses)), planned.planner.draws(turn))
        return planned.turns[outcomes]

    def _ready(self, instruction: Instruction) -> Call:
        node = instruction.node
        return Call(node.index, self._compute(node),
                    tuple(zip((i.index for i in node.inputs), instruction.with_graph, strict=True)),
                    instruction.owner != NOBODY, tuple((n, n in instruction.trains) for n in sorted(node.uses)),
                    instruction.drop)

    def _compute(self, node: Node) -> Step:
        if node.index not in self._computes:
            self._computes[node.index] = self._computation(node)
        return self._computes[node.index]

    def _computation(self, node: Node) -> Step:
        return computation(node, self._around)

    def _reseed(self, step: int, turn: int) -> None:
        reseed(self.device, seed_at(self.seed, step, "turn", turn, distributed.rank()))

    def _weights(self, networks: Iterable[str]) -> list[nn.Parameter]:
        return [w for n in networks for w in self._parameters[n]]


def _compares(when: Node) -> bool:
    return isinstance(when.op, ArithmeticOp) and when.op.sign in ("<", "<=", ">", ">=")


def reseed(device: torch.device, seed: int) -> None:
    """Seed the default generators, from which dropout and its like draw (much cheaper than torch.manual_seed)."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(seed)
