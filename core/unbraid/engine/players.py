"""The players of a method: they play turns by plans, made once per pattern of active terms, and update weights."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import attrs
import torch

from unbraid.engine.interpreter import Batch, Interpreter, Wrap
from unbraid.engine.optimizers import Optimizer, clipped, laid_out, optimizer_for, update_ema
from unbraid.engine.plan import CompiledTurn, Needs, Planner, State, StepPlan, Turn, in_play, turns_of
from unbraid.engine.turns import GATE_CLOSED, UPDATED, OneModel, StepReport, TurnGradients, TurnRunner
from unbraid.flow import NetworkOp, Node
from unbraid.model import Method, Step
from unbraid.values import Value
from unbraid_configs import Player

Mark = Callable[[str, str], AbstractContextManager[Any]]       # a profiler's: ("player", name), ("part", name)
DATA, UPDATE = "data", "update"                    # parts of a step that are marked, besides networks


@attrs.define(eq=False)
class Players:
    """The players of a method, who train its networks.

    batch: returns the draws of a round.
    strategy: plays one training, or several seeds as one.
    mark: returns a profiler's contexts for players and parts of a step.

    The state between steps is in the networks, the EMA networks and the optimizers.
    """

    method: Method
    batch: Batch
    device: torch.device
    seed: int = 0
    precision: str = "float32"
    accumulate: int = 1
    strategy: OneModel = attrs.field(default=attrs.Factory(lambda self: OneModel(self.seed, self.device),
                                                           takes_self=True))
    mark: Mark | None = None
    interpreter: Interpreter = attrs.field(init=False)
    optimizers: dict[str, Optimizer] = attrs.field(init=False)
    _runner: TurnRunner = attrs.field(init=False)
    _plans: dict[Any, StepPlan] = attrs.field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        batch: Batch = self.batch
        wrap: Wrap = self.strategy.wrap
        if self.mark is not None:
            batch, wrap = _marked_batch(batch, self.mark), _marked_networks(wrap, self.mark)
        self.interpreter = Interpreter(self.method, self.device, batch, self.strategy.noise, self.precision, wrap)
        self.optimizers = self._optimizers()
        self._runner = TurnRunner(self.interpreter, self.strategy, self.accumulate)

    def _optimizers(self) -> dict[str, Optimizer]:
        recipe = self.method.recipe
        return {name: optimizer_for(p.optimizer or recipe.train.optimizer, self.interpreter.weights(p.trains),
                                    self.method.flow.weights, f"players.{name}.optimizer")
                for name, p in recipe.players.items()}

    # -- a step -------------------------------------------------------------------------------------------------------

    def step(self, step: int, *, watch: bool = False) -> StepReport:
        """Play one step: every player in play takes its turns.  watch: also compute the watched values."""
        return self.play(step, watch=watch)[0]

    def play(self, step: int, *, watch: bool = False) -> list[StepReport]:
        """Play one step, as `step` does; return a report for each training."""
        if self.device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()     # outputs of the step before are no longer used
        plan, reports = self.plan(step, watch=watch), [StepReport(step) for _ in range(self.strategy.trainings)]
        self.interpreter.environment.step = step
        self.interpreter.set_modes({network for p in self.in_play(step).values() for network in p.trains})
        outcomes: list[str] = []
        state, round_, waiting = State(), 0, list[tuple[Turn, TurnGradients]]()
        for number, turn in enumerate(plan.planner.turns):
            round_ += turn.opens_round
            compiled = self._compiled(plan, number, tuple(outcomes), state)
            if self.accumulate == 1 and (number == 0 or turn.opens_round):
                self.interpreter.open_round(step, round_, compiled.draws)
            with self._marked("player", turn.player):
                result = self._runner.play(compiled, step, number, round_)
            if result.gradients is not None:
                if plan.planner.together:
                    waiting.append((turn, result.gradients))
                else:
                    self._update(turn, result.gradients, step)
            updated, played = result.outcome == UPDATED, result.outcome != GATE_CLOSED
            if self.accumulate == 1:
                state = plan.planner.after(number, compiled.plan, updated, played)
            elif played:                           # players share only values that are computed once per round
                state = plan.planner.after(number, compiled.plan, updated).once(self.method.flow.graph)
            self.interpreter.keep(state)
            outcomes.append(result.outcome)
            self.strategy.record(result, reports, partial(self._runner.culprits, turn, step))
        for turn, gradients in waiting:
            self._update(turn, gradients, step)
        self.interpreter.keep(State())
        return reports

    def in_play(self, step: int) -> dict[str, Player]:
        """Return the players that play at a step."""
        return in_play(self.method.recipe, step)

    # -- plans --------------------------------------------------------------------------------------------------------

    def plan(self, step: int, *, watch: bool = False) -> StepPlan:
        """Return the plan for the terms that are active at a step; make it at first use."""
        graphs = {name: self.method.player_graphs[name] for name in self.in_play(step)}
        active = {name: tuple(t.node.index for t in graph.active(step)) for name, graph in graphs.items()}
        pattern = (watch, tuple(active.items()))
        if pattern not in self._plans:
            graph = self.method.flow.graph
            turns = turns_of(self.method, {name: [graph.nodes[i] for i in nodes] for name, nodes in active.items()},
                             watch=watch)
            self._plans[pattern] = StepPlan(Planner(graph, turns, self.method.recipe.train.moves == "together"))
        return self._plans[pattern]

    def _compiled(self, plan: StepPlan, number: int, outcomes: tuple[str, ...], state: State) -> CompiledTurn:
        if outcomes not in plan.compiled:
            turn = plan.planner.plan(number, state)
            plan.compiled[outcomes] = CompiledTurn(
                plan.planner.turns[number], turn, tuple(map(self.interpreter.compiled, turn.gate)),
                tuple(map(self.interpreter.compiled, turn.losses)), plan.planner.draws(number))
        return plan.compiled[outcomes]

    # -- updates ------------------------------------------------------------------------------------------------------

    def _update(self, turn: Turn, gradients: TurnGradients, step: int) -> None:
        with self._marked("player", turn.player), self._marked("part", UPDATE):
            self.strategy.update(self, turn, gradients, step)

    def update(self, turn: Turn, gradients: TurnGradients, step: int) -> None:
        """Update the player's weights, then run its `then` and update the EMA networks that follow."""
        player, weights = self.method.recipe.players[turn.player], self.interpreter.weights(turn.networks)
        own = gradients.gradients if player.clip is None else clipped(gradients.gradients, player.clip)
        for w, g in zip(weights, own, strict=True):
            w.grad = laid_out(g, w)
        self.optimizers[turn.player].step(step)
        for w in weights:
            w.grad = None
        if turn.then is not None:
            with torch.no_grad():
                self.interpreter.compute(turn.then)
        updated = turn.trains | (turn.then.depends if turn.then else frozenset())
        for average, of in self.method.flow.graph.averages.items():
            if of in updated:
                modules, decay = self.method.modules, self.method.recipe.networks[average].decay
                update_ema(modules[average], modules[of], decay)

    def _marked(self, kind: str, name: str) -> AbstractContextManager[Any]:
        return nullcontext() if self.mark is None else self.mark(kind, name)


def _marked_batch(batch: Batch, mark: Mark) -> Batch:
    def marked(step: int, round_: int, needs: Needs) -> Any:
        with mark("part", DATA):
            return batch(step, round_, needs)

    return marked


def _marked_networks(wrap: Wrap, mark: Mark) -> Wrap:
    def marked(node: Node, compute: Step) -> Step:
        run, op = wrap(node, compute), node.op
        if not isinstance(op, NetworkOp):
            return run

        def marked_run(values: Any) -> Value:
            with mark("part", op.network):
                return run(values)

        return marked_run

    return marked
