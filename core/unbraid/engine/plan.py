"""Plans of turns: which values a turn computes, reuses and recomputes, and which player owns each value's graph.

A computed value can serve at most one player with its graph. A player who sends a gradient through it trains a network
below it, so that player's update makes the value stale. So every value has one owner: the first player who sends a
gradient through it before it is stale. Everybody else sees a constant. Plans are made once per pattern of active
terms and outcomes of the turns before, and kept as flat lists of instructions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from unbraid.flow import DrawOp, Graph, Node, below, reached
from unbraid.model import Method, Step
from unbraid_configs import Player, Recipe

NOBODY = ""                                        # the owner of a constant
WATCH = "watch"                                    # the turn that computes the watched values
Needs = frozenset[tuple[str, str | None]]          # draws and their fields


@attrs.frozen(eq=False)
class Instruction:
    """The computation of one node."""

    node: Node
    owner: str                                     # the player whose graph it carries, or NOBODY
    with_graph: tuple[bool, ...]                   # which inputs keep their graphs
    trains: frozenset[str] = frozenset()           # networks called or passed here whose weights the owner trains
    drop: tuple[int, ...] = ()                     # values that are no longer needed


@attrs.frozen(eq=False)
class Turn:
    """A player's turn in a step, with the terms that are active then."""

    player: str
    networks: tuple[str, ...]
    terms: tuple[Node, ...]                        # the losses that it minimises
    when: Node | None = None
    then: Node | None = None
    opens_round: bool = False
    trains: frozenset[str] = attrs.field(init=False, default=attrs.Factory(lambda self: frozenset(self.networks),
                                                                           takes_self=True))


@attrs.frozen(eq=False)
class TurnPlan:
    """The instructions of a turn, for its gate and for its losses, and the values that stay for later turns."""

    gate: tuple[Instruction, ...]
    losses: tuple[Instruction, ...]
    after_gate: State                              # fresh values after the gate, and after the losses
    after_losses: State

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """All instructions, in order."""
        return self.gate + self.losses


@attrs.frozen
class State:
    """The fresh values of a round, with the owner of each value's graph."""

    owners: Mapping[int, str] = attrs.Factory(dict)

    def without(self, nodes: Iterable[int]) -> State:
        """Return the state without some values."""
        gone = set(nodes)
        return State({i: o for i, o in self.owners.items() if i not in gone})

    def once(self, graph: Graph) -> State:
        """Return only the values that are computed once per round, as constants."""
        return State({i: NOBODY for i in self.owners if graph.nodes[i].remembers})

    def spent(self, player: str) -> State:
        """Return the state after a player's graphs were used or given up: its values become constants."""
        return State({i: NOBODY if o == player else o for i, o in self.owners.items()})


@attrs.define(eq=False)
class Planner:
    """Planner of the turns of one step.  together: all losses are evaluated before any update."""

    graph: Graph
    turns: Sequence[Turn]
    together: bool = False
    _sends: list[dict[int, Node]] = attrs.field(init=False)     # for each turn: nodes it sends a gradient through
    _needs: list[dict[int, Node]] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._sends = [{n.index: n for term in t.terms for n in reached(term, t.trains)} for t in self.turns]
        self._needs = [{n.index: n for n in below(*t.terms, *filter(None, (t.when,)))} for t in self.turns]

    def plan(self, number: int, state: State) -> TurnPlan:
        """Return the instructions of a turn, given the fresh values."""
        turn = self.turns[number]
        before = State() if turn.opens_round else state
        gate = _Instructions(self, number, dict(before.owners))
        if turn.when is not None:
            gate.constant(turn.when)
        after_gate = State(dict(gate.owners))
        losses = _Instructions(self, number, gate.owners)
        for term in turn.terms:
            losses.require(term, turn.player if term.index in self._sends[number] else NOBODY)
        keep = self._later(number)
        own = {t.index for t in turn.terms}
        dropping = _with_drops(losses.made, keep | own)
        after = State({i: o for i, o in losses.owners.items()
                       if i in keep or i in own or not any(i in instruction.drop for instruction in dropping)})
        return TurnPlan(tuple(gate.made), tuple(dropping), after_gate, after)

    def after(self, number: int, plan: TurnPlan, updated: bool, played: bool = True) -> State:
        """Return what stays fresh after a turn.  updated: it changed its networks; played: its gate was open."""
        turn = self.turns[number]
        state = (plan.after_losses if played else plan.after_gate).spent(turn.player)
        if updated and not self.together:
            state = state.without(self.stale(number, state))
        later = self._later(number)
        return State({i: o for i, o in state.owners.items() if i in later})

    def stale(self, number: int, state: State) -> list[int]:
        """Return the values that an update in this turn makes stale."""
        updated = self.updated(number)
        nodes = self.graph.nodes
        return [i for i in state.owners if nodes[i].depends & updated and not nodes[i].remembers]

    def updated(self, number: int) -> frozenset[str]:
        """Return the networks that a turn changes: those that it trains, those in `then`, and EMA networks of these."""
        turn = self.turns[number]
        return self.graph.following(turn.trains | (turn.then.depends if turn.then else frozenset()))

    def draws(self, number: int) -> Needs:
        """Return the draws and fields that this turn and the later ones of its round may need."""
        return frozenset((op.draw, op.field) for index in self._later(number) | self._needs[number].keys()
                         if isinstance(op := self.graph.nodes[index].op, DrawOp))

    def owner(self, node: Node, number: int) -> str:
        """Return the first player from this turn on who sends a gradient through the fresh node, or NOBODY."""
        for later in range(number, len(self.turns)):
            if later > number and self.turns[later].opens_round:
                break
            if node.index in self._sends[later]:
                return NOBODY if self.together and self._shared(node, number, later) else self.turns[later].player
            if not self.together and node.depends & self.updated(later):
                break
        return NOBODY

    def _shared(self, node: Node, number: int, later: int) -> bool:
        """Return whether the graph of a later player would run through a node whose graph an earlier one needs.

        It does only where all losses are evaluated before any update; else that update would make the node stale.
        """
        sent = [self._sends[earlier] for earlier in range(number, later)]
        return any(n.index in s for n in reached(node, self.turns[later].trains) for s in sent)

    def _later(self, number: int) -> set[int]:
        """Return the nodes that later turns of this round may need."""
        needed: set[int] = set()
        for later in range(number + 1, len(self.turns)):
            if self.turns[later].opens_round:
                break
            needed |= self._needs[later].keys()
        return needed

    def trained_by(self, player: str) -> frozenset[str]:
        """Return the networks that a player trains."""
        return next(t.trains for t in self.turns if t.player == player)


@attrs.define(eq=False)
class _Instructions:
    planner: Planner
    number: int
    owners: dict[int, str]
    made: list[Instruction] = attrs.Factory(list)

    def constant(self, node: Node) -> None:
        """Make the node's value available, whoever owns its graph."""
        if node.index not in self.owners:
            self._make(node, self.planner.owner(node, self.number))

    def require(self, node: Node, owner: str) -> None:
        """Make the node's value available with the graph of this owner."""
        if owner == NOBODY:
            self.constant(node)
        elif self.owners.get(node.index) != owner:
            self._make(node, owner)

    def _make(self, node: Node, owner: str) -> None:
        """Add instructions for a node, its inputs first; with an explicit stack, since a flow may be deep."""
        stack: list[tuple[Node, str, bool]] = [(node, owner, False)]
        while stack:
            node, owner, ready = stack.pop()
            if not ready and node.index in self.owners and (owner == NOBODY or self.owners[node.index] == owner):
                continue
            trains = self.planner.trained_by(owner) if owner else frozenset()
            graphs = tuple(bool(owner) and not node.stops_gradient and bool(i.carries & trains) for i in node.inputs)
            if ready:
                self.made.append(Instruction(node, owner, graphs, node.uses & trains))
                self.owners[node.index] = owner
                continue
            stack.append((node, owner, True))
            for i, graph in zip(reversed(node.inputs), reversed(graphs), strict=True):
                if graph:
                    if self.owners.get(i.index) != owner:
                        stack.append((i, owner, False))
                elif i.index not in self.owners:
                    stack.append((i, self.planner.owner(i, self.number), False))


def _with_drops(made: Sequence[Instruction], keep: set[int]) -> list[Instruction]:
    """Return the instructions with each value dropped after its last use, unless a later turn may need it."""
    last: dict[int, int] = {}
    for at, instruction in enumerate(made):
        for node in (instruction.node, *instruction.node.inputs):
            if node.index not in keep:
                last[node.index] = at
    drops: dict[int, list[int]] = {}
    for index, at in last.items():
        drops.setdefault(at, []).append(index)
    return [attrs.evolve(i, drop=tuple(drops.get(at, ()))) for at, i in enumerate(made)]


@attrs.frozen(eq=False)
class CompiledCall:
    """An instruction ready to run, with all look-ups done."""

    index: int
    compute: Step
    inputs: tuple[tuple[int, bool], ...]           # (node, whether with its graph)
    graph: bool
    switches: tuple[tuple[str, bool], ...]         # networks called here, and whether their weights want gradients
    drop: tuple[int, ...]


@attrs.frozen(eq=False)
class CompiledTurn:
    """A turn ready to run: the calls for its gate and its losses, and the draws that its round needs."""

    turn: Turn
    plan: TurnPlan
    gate: tuple[CompiledCall, ...]
    losses: tuple[CompiledCall, ...]
    draws: Needs


@attrs.define(eq=False)
class StepPlan:
    """All plans for one pattern of active terms."""

    planner: Planner
    compiled: dict[tuple[str, ...], CompiledTurn] = attrs.Factory(dict)    # by the outcomes of the turns before


def in_play(recipe: Recipe, step: int) -> dict[str, Player]:
    """Return the players that play at a step, by their `from_step` and `until_step`."""
    return {name: p for name, p in recipe.players.items()
            if step >= p.from_step and (p.until_step is None or step < p.until_step)}


def turns_of(method: Method, active: Mapping[str, Sequence[Node]], *, watch: bool = False) -> tuple[Turn, ...]:
    """Return the turns of a step whose players have these active terms.  watch: add a turn for watched values."""
    turns = []
    for name, nodes in active.items():
        player, graph = method.recipe.players[name], method.player_graphs[name]
        if nodes:
            turns += [Turn(name, player.trains, tuple(nodes), graph.when, graph.then, number > 0)
                      for number in range(player.turns)]
    if watch and method.watched:
        turns.append(Turn(WATCH, (), tuple(method.watched.values())))
    return tuple(turns)
