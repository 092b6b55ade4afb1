"""Analysis of a step's turns without playing them: values computed, networks called, networks trained."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from unbraid.engine.plan import Planner, State, Turn, TurnPlan, in_play, turns_of
from unbraid.flow import DrawOp, NetworkOp, NumberOp, ReferenceOp, written
from unbraid.model import Method


@attrs.frozen
class PlannedTurn:
    """A turn in words: its player, the values that it computes and reuses, and those that its update makes stale.

    computes: (value, how it is made, the player whose gradients flow through it, or "").
    """

    player: str
    computes: list[tuple[str, str, str]]
    reuses: list[str]
    stale: list[str]


def forwards(method: Method, step: int | None = None) -> dict[str, int]:
    """Count the calls of each network in a step in which every term is active and every gate open.

    step: count only players in play at this step, with the terms that are active then.  A loss that takes a network
    whole (r1, gradient_penalty) calls it once more; that call is not counted.
    """
    counts: dict[str, int] = {}
    for _, plan, _, _ in _turns(method, step):
        for instruction in plan.instructions:
            if isinstance(instruction.node.op, NetworkOp):
                network = instruction.node.op.network
                counts[network] = counts.get(network, 0) + 1
    return counts


def planned(method: Method) -> list[PlannedTurn]:
    """Return the values that every turn of a step computes, where every term is active and every gate open."""
    terms = {t.node.index: t.name for graph in method.player_graphs.values() for t in graph.terms}
    lines = {method.flow.value(name).index: name for names in method.recipe.flow for name in names}
    names, nodes = terms | lines, method.flow.graph.nodes
    found = []
    for turn, plan, fresh, gone in _turns(method):
        made = [i for i in plan.instructions if not isinstance(i.node.op, DrawOp | NumberOp | ReferenceOp)]
        inputs = {n.index for i in made for n in i.node.inputs} | {n.index for n in turn.terms}
        found.append(PlannedTurn(
            turn.player, [(names.get(i.node.index, ""), written(i.node, names), i.owner) for i in made],
            [names.get(i) or written(nodes[i], names) for i in fresh.owners
             if i in inputs and not isinstance(nodes[i].op, DrawOp)],
            [lines[i] for i in gone if i in lines]))
    return found


def _turns(method: Method, step: int | None = None) -> Iterator[tuple[Turn, TurnPlan, State, list[int]]]:
    """Yield the turns of a step: turn, plan, fresh values before it, and values that its update makes stale."""
    active = {name: [t.node for t in (graph.terms if step is None else graph.active(step))]
              for name, graph in method.player_graphs.items() if step is None or name in in_play(method.recipe, step)}
    turns = turns_of(method, active)
    planner, state = Planner(method.flow.graph, turns, method.recipe.train.moves == "together"), State()
    for number, turn in enumerate(turns):
        plan = planner.plan(number, state)
        gone = [] if planner.together else planner.stale(number, plan.after_losses)
        yield turn, plan, State() if turn.opens_round else state, gone
        state = planner.after(number, plan, updated=True)


def gradients_reach(method: Method) -> dict[str, dict[str, list[str]]]:
    """Return the networks that each term trains, by player and term."""
    return {name: {t.name: sorted(t.node.carries & set(method.recipe.players[name].trains)) for t in graph.terms}
            for name, graph in method.player_graphs.items()}
