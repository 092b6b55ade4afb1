"""What the turns of a step cost and reach, without playing them."""

from __future__ import annotations

from unbraid.engine.plan import Planner, State, in_play, turns_of
from unbraid.flow import NetworkOp
from unbraid.model import Method


def forwards(method: Method, step: int | None = None) -> dict[str, int]:
    """How often each network is called in a step in which every term is active and every gate open.

    step: only the players in play at this step, with the terms that are active then.  A loss that takes a network whole
    (r1, gradient_penalty) calls it once more, which is not counted.
    """
    active = {name: [t.node for t in (graph.terms if step is None else graph.active(step))]
              for name, graph in method.player_graphs.items() if step is None or name in in_play(method.recipe, step)}
    turns = turns_of(method, active)
    planner, state = Planner(method.flow.graph, turns, method.recipe.train.moves == "together"), State()
    counts: dict[str, int] = {}
    for number in range(len(turns)):
        plan = planner.plan(number, state)
        for instruction in plan.instructions:
            if isinstance(instruction.node.op, NetworkOp):
                network = instruction.node.op.network
                counts[network] = counts.get(network, 0) + 1
        state = planner.after(number, plan, updated=True)
    return counts


def gradients_reach(method: Method) -> dict[str, dict[str, list[str]]]:
    """For each player and term, the networks that the term trains."""
    return {name: {t.name: sorted(t.node.carries & set(method.recipe.players[name].trains)) for t in graph.terms}
            for name, graph in method.player_graphs.items()}
