"""Turns that are ready to run: flat lists of calls, without a look-up left."""

from __future__ import annotations

import attrs

from unbraid.compute import Step
from unbraid.plan import Move, Planner, TurnPlan

Needs = frozenset[tuple[str, str | None]]          # draws and their fields


@attrs.frozen(eq=False)
class Call:
    """An instruction ready to run: no look-ups are left."""

    index: int
    compute: Step
    inputs: tuple[tuple[int, bool], ...]           # (node, whether with its graph)
    graph: bool
    switches: tuple[tuple[str, bool], ...]         # networks called here, and whether their weights want gradients
    drop: tuple[int, ...]


@attrs.frozen(eq=False)
class Turn:
    """A turn ready to run: what decides its gate, what makes its losses, and the draws that its round needs."""

    move: Move
    plan: TurnPlan
    gate: tuple[Call, ...]
    losses: tuple[Call, ...]
    draws: Needs


@attrs.define(eq=False)
class StepPlan:
    """Everything that was planned for one pattern of active terms."""

    planner: Planner
    moves: tuple[Move, ...]
    turns: dict[tuple[str, ...], Turn] = attrs.Factory(dict)       # by the outcomes of the turns before
