"""The players' turns: losses, gradients and updates, on plans made once per pattern of active terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from unbraid import distributed
from unbraid.compute import Step, Surroundings, computation, detached
from unbraid.expression import SIGNS
from unbraid.flow import Game
from unbraid.gradients import clipped, laid_out, norm, plus
from unbraid.graph import ArithmeticOp, Node
from unbraid.method import Method
from unbraid.moves import WATCH, in_play, moves_of
from unbraid.optimizers import Optimizer, optimizer_for
from unbraid.plan import NOBODY, Instruction, Move, Planner, State, TurnPlan
from unbraid.random import Noise, seed_at
from unbraid.values import Value, map_tensors
from unbraid_configs.recipe import Player

MOVED, STAYED, SHUT = "moved", "stayed", "shut"    # how a turn ended: updated; loss not finite; gate closed

Needs = frozenset[tuple[str, str | None]]
Batch = Callable[[int, int, Needs], Mapping[tuple[str, str | None], Value]]      # step, round, what is needed


@attrs.define(eq=False)
class Report:
    """What a step did.  values: every loss ('player/term') and watched value; outcomes: how each turn ended."""

    step: int
    values: dict[str, Tensor] = attrs.Factory(dict)
    outcomes: list[tuple[str, str]] = attrs.Factory(list)
    not_finite: list[str] = attrs.Factory(list)

    def numbers(self) -> dict[str, float]:
        """The values as numbers."""
        return {name: float(v) for name, v in self.values.items()}


@attrs.frozen(eq=False)
class _Call:
    """An instruction ready to run: no look-ups are left."""

    index: int
    compute: Step
    inputs: tuple[tuple[int, bool], ...]           # (node, whether with its graph)
    graph: bool
    switches: tuple[tuple[str, bool], ...]         # networks called here, and whether their weights want gradients
    drop: tuple[int, ...]


@attrs.frozen(eq=False)
class _Turn:
    move: Move
    plan: TurnPlan
    gate: tuple[_Call, ...]
    losses: tuple[_Call, ...]
    draws: Needs


@attrs.define(eq=False)
class _Step:
    """Everything that was planned for one pattern of active terms."""

    planner: Planner
    moves: tuple[Move, ...]
    turns: dict[tuple[str, ...], _Turn] = attrs.Factory(dict)       # by the outcomes of the turns before


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
    _steps: dict[Any, _Step] = attrs.field(init=False, factory=dict)
    _computes: dict[int, Step] = attrs.field(init=False, factory=dict)
    _values: dict[int, Value] = attrs.field(init=False, factory=dict)
    _constants: dict[int, Value] = attrs.field(init=False, factory=dict)
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
            if self.accumulate > 1:                # nothing is kept between players
                state = State()
                self._keep(state)
            ready = self._turn(planned, turn, tuple(outcomes), state)
            if self.accumulate == 1 and (turn == 0 or move.opens_round):
                self._open_round(step, round_, ready.draws)
            outcome, gradients = self._play(ready, step, turn, round_, report)
            if outcome == MOVED and move.trains:
                if together:
                    updates.append((move, gradients))
                else:
                    self._update(move, gradients, step)
            state = planned.planner.after(turn, ready.plan, outcome == MOVED, outcome != SHUT)
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

    def _play(self, ready: _Turn, step: int, turn: int, round_: int, report: Report
              ) -> tuple[str, list[Tensor | None]]:
        """One player's losses and gradients; nothing is updated yet."""
        move = ready.move
        self._reseed(step, turn)
        total_gradients: list[Tensor | None] = []
        for part in range(self.accumulate):
            if self.accumulate > 1:
                self._keep(State())
                self._open_round(step * self.accumulate + part, round_, ready.draws)
            with self._autocast(), self._undisturbed(ready.plan) if not move.trains else nullcontext():
                self._run(ready.gate)
                if part == 0 and move.when is not None and not self._is_open(move.when):
                    return SHUT, []
                self._run(ready.losses)
            if not move.trains:
                self._watch(report)
                return MOVED, []
            gradients = self._gradients(move, step, report, part)
            if gradients is None:
                return STAYED, []
            total_gradients = gradients if part == 0 else [plus(a, b) for a, b in
                                                           zip(total_gradients, gradients, strict=True)]
        return MOVED, total_gradients

    def _gradients(self, move: Move, step: int, report: Report, part: int) -> list[Tensor | None] | None:
        """The gradients of the weighted sum of a player's terms; None where it is not finite on some rank."""
        total = self._total(move, step, report, part)
        gradients = self._differentiated(total, move)
        distributed.average([g for g in gradients if g is not None])
        whole = total.detach() + norm(gradients)
        if not bool(distributed.mean(torch.isfinite(whole).float()) == 1):
            report.not_finite += self._culprits(move, step, report.values)
            return None
        return gradients

    def _total(self, move: Move, step: int, report: Report, part: int) -> Tensor:
        """The weighted sum of a player's terms, whose values are noted."""
        total = None
        for term in self._active(self.method.games[move.player], step):
            value = self._values[term.node.index]
            weighted = term.weight.at(step) * value
            total = weighted if total is None else total + weighted
            name = f"{move.player}/{term.name}"
            constant = value.detach() / self.accumulate
            report.values[name] = constant if part == 0 else report.values[name] + constant
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
        return [name for name, weight in terms.items() if not torch.isfinite(weight * values[name])
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
        return computation(node, self._around)([self._direct(i) for i in node.inputs])

    # -- running instructions -----------------------------------------------------------------------------------------

    def _run(self, calls: Iterable[_Call]) -> None:
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

    def _is_open(self, when: Node) -> bool:
        return bool(self._gate(when))

    def _gate(self, when: Node) -> Tensor:
        if isinstance(when.op, ArithmeticOp) and when.op.sign in ("<", "<=", ">", ">="):
            left, right = (self._number(i) for i in when.inputs)
            return SIGNS[when.op.sign](left, right)
        return self._number(when) > 0

    def _number(self, node: Node) -> Tensor:
        """A value's mean over the ranks, so that all ranks decide alike."""
        v = self._constants.get(node.index, self._values[node.index])
        return distributed.mean(torch.as_tensor(v, dtype=torch.get_default_dtype(), device=self.device).detach())

    @contextmanager
    def _undisturbed(self, plan: TurnPlan) -> Iterator[None]:
        """Running statistics and their like as they are, after a look that must not change the training."""
        networks = {n for instruction in plan.instructions for n in instruction.node.uses}
        buffers = [b for n in sorted(networks) for b in self.method.modules[n].buffers()]
        before = [b.clone() for b in buffers]
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, was in zip(buffers, before, strict=True):
                    buffer.copy_(was)

    def _watch(self, report: Report) -> None:
        for name, node in self.method.watched.items():
            report.values[f"{WATCH}/{name}"] = self._mean(torch.as_tensor(self._values[node.index]).detach().float())

    def _mean(self, v: Tensor) -> Tensor:
        return v.mean()

    # -- planning -----------------------------------------------------------------------------------------------------

    def _active(self, game: Game, step: int) -> list[Any]:
        return [t for t in game.terms if t.weight.at(step) != 0]

    def _planned(self, step: int, watch: bool) -> _Step:
        active = {name: tuple(t.node.index for t in self._active(self.method.games[name], step))
                  for name in self.in_play(step)}
        pattern = (watch, tuple(active.items()))
        if pattern not in self._steps:
            moves = moves_of(self.method, {name: [self.method.flow.graph.nodes[i] for i in nodes]
                                           for name, nodes in active.items()}, watch=watch)
            planner = Planner(self.method.flow.graph, moves, self.method.recipe.train.moves == "together")
            self._steps[pattern] = _Step(planner, moves)
        return self._steps[pattern]

    def _turn(self, planned: _Step, turn: int, outcomes: tuple[str, ...], state: State) -> _Turn:
        if outcomes not in planned.turns:
            plan = planned.planner.plan(turn, state)
            planned.turns[outcomes] = _Turn(planned.moves[turn], plan, tuple(map(self._ready, plan.gate)),
                                            tuple(map(self._ready, plan.losses)), planned.planner.draws(turn))
        return planned.turns[outcomes]

    def _ready(self, instruction: Instruction) -> _Call:
        node = instruction.node
        if node.index not in self._computes:
            self._computes[node.index] = self._computation(node)
        return _Call(node.index, self._computes[node.index],
                     tuple(zip((i.index for i in node.inputs), instruction.with_graph, strict=True)),
                     instruction.owner != NOBODY, tuple((n, n in instruction.trains) for n in sorted(node.uses)),
                     instruction.drop)

    def _computation(self, node: Node) -> Step:
        return computation(node, self._around)

    def _reseed(self, step: int, turn: int) -> None:
        reseed(self.device, seed_at(self.seed, step, "turn", turn, distributed.rank()))

    def _weights(self, networks: Iterable[str]) -> list[nn.Parameter]:
        return [w for n in networks for w in self._parameters[n]]


@torch.no_grad()
def follow(average: nn.Module, of: nn.Module, decay: float) -> None:
    """average <- decay * average + (1 - decay) * of, and its buffers as they are."""
    torch._foreach_lerp_(list(average.parameters()), list(of.parameters()), 1 - decay)
    for a, b in zip(average.buffers(), of.buffers(), strict=True):
        a.copy_(b)


def reseed(device: torch.device, seed: int) -> None:
    """Seed the default generators, from which dropout and its like draw (much cheaper than torch.manual_seed)."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(seed)
