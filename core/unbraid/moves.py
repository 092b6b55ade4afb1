"""Who moves when: the turns of a step, what they cost and what they reach, without playing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unbraid.graph import NetworkOp, Node
from unbraid.method import Method
from unbraid.plan import Move, Planner, State
from unbraid_configs.recipe import Player, Recipe

WATCH = "watch"                                    # the move that computes the watched values


def in_play(recipe: Recipe, step: int) -> dict[str, Player]:
    """The players whose time it is."""
    return {name: p for name, p in recipe.players.items()
            if step >= p.from_step and (p.until_step is None or step < p.until_step)}


def moves_of(method: Method, active: Mapping[str, Sequence[Node]], *, watch: bool = False) -> tuple[Move, ...]:
    """The turns of a step whose players have these active terms."""
    moves = []
    for name, nodes in active.items():
        p, game = method.recipe.players[name], method.games[name]
        if nodes:
            moves += [Move(name, frozenset(p.trains), tuple(nodes), game.when, game.then, turn > 0)
                      for turn in range(p.turns)]
    if watch and method.watched:
        moves.append(Move(WATCH, frozenset(), tuple(method.watched.values())))
    return tuple(moves)


def forwards(method: Method, step: int | None = None) -> dict[str, int]:
    """How often each network is called in a step in which every term is active and every gate open.

    step: only the players in play at this step, with the terms that are active then.  A loss that takes a network whole
    (r1, gradient_penalty) calls it once more, which is not counted.
    """
    moves = moves_of(method, {name: [t.node for t in g.terms if step is None or t.weight.at(step) != 0]
                              for name, g in method.games.items()
                              if step is None or name in in_play(method.recipe, step)})
    planner, state = Planner(method.flow.graph, moves, method.recipe.train.moves == "together"), State()
    counts: dict[str, int] = {}
    for turn in range(len(moves)):
        plan = planner.plan(turn, state)
        for instruction in plan.instructions:
            if isinstance(instruction.node.op, NetworkOp):
                network = instruction.node.op.network
                counts[network] = counts.get(network, 0) + 1
        state = planner.after(turn, plan, moved=True)
    return counts


def gradients_reach(method: Method) -> dict[str, dict[str, list[str]]]:
    """For each player and term, the networks that the term trains."""
    return {name: {t.name: sorted(t.node.carries & set(method.recipe.players[name].trains)) for t in game.terms}
            for name, game in method.games.items()}
