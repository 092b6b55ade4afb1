"""The graph of a method: nodes that know their inputs and the networks that they depend on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from unbraid_configs import Place
from unbraid_configs.expressions import Weight
from unbraid_registry import Component


@attrs.frozen
class DrawOp:
    """A drawn image, or one of its fields."""

    draw: str
    field: str | None = None


@attrs.frozen
class ParameterOp:
    """A parameter of a function, which the user gives."""

    name: str


@attrs.frozen
class NumberOp:
    """A number, or one that changes with the step."""

    weight: Weight


@attrs.frozen
class NetworkOp:
    """A call of a network with its inputs."""

    network: str


@attrs.frozen
class ReferenceOp:
    """A network itself, passed to a loss or an operation."""

    network: str


@attrs.frozen
class ComponentOp:
    """A call of a loss or an operation.  address: the address of its random numbers, if it draws any."""

    component: Component
    options: tuple[tuple[str, Any], ...] = ()      # a Weight where it changes with the step
    address: str | None = None


@attrs.frozen
class ItemOp:
    """One of the `count` values of a line that defines several names."""

    item: int
    count: int


@attrs.frozen
class AttributeOp:
    """Access with a dot."""

    name: str


@attrs.frozen
class ArithmeticOp:
    """Two inputs and a sign: + - * or a comparison."""

    sign: str


@attrs.frozen
class TupleOp:
    """Several values as one."""


@attrs.frozen
class DetachOp:
    """A value through which no gradient flows."""


Op: TypeAlias = (DrawOp | ParameterOp | NumberOp | NetworkOp | ReferenceOp | ComponentOp | ItemOp | AttributeOp
                 | ArithmeticOp | TupleOp | DetachOp)


@attrs.frozen(eq=False, repr=False)
class Node:
    """A value of the flow.

    depends: the networks called or passed anywhere below, through `detach` too; an update of one makes the value stale.
    carries: the networks that a gradient through it can reach.
    place, trail: where it was first written, and the function calls that lead there.
    """

    index: int
    op: Op
    inputs: tuple[Node, ...]
    depends: frozenset[str]
    carries: frozenset[str]
    place: Place
    trail: tuple[str, ...] = ()
    remembers: bool = False                        # computed once per round, and constant

    def __repr__(self) -> str:
        return f"{self.index}:{self.op}({', '.join(str(i.index) for i in self.inputs)})"

    @property
    def uses(self) -> frozenset[str]:
        """The networks that this node calls, or gets as inputs."""
        called = frozenset([self.op.network]) if isinstance(self.op, NetworkOp) else frozenset()
        return called.union(i.op.network for i in self.inputs if isinstance(i.op, ReferenceOp))

    @property
    def stops_gradient(self) -> bool:
        """Whether no gradient flows to its inputs."""
        return isinstance(self.op, DetachOp) or self.remembers


@attrs.define
class Graph:
    """All nodes of a flow; equal nodes are made once."""

    averages: dict[str, str]                       # average -> the network that it follows
    remembering: frozenset[str] = frozenset()      # networks that remember: image pools, queues
    nodes: list[Node] = attrs.field(factory=list)
    _known: dict[Any, Node] = attrs.field(factory=dict)

    def node(self, op: Op, inputs: Iterable[Node], place: Place, trail: tuple[str, ...] = ()) -> Node:
        """Return the node of an operation on inputs; an existing node where it is equal."""
        inputs = tuple(inputs)
        key = (op, tuple(i.index for i in inputs))
        if key not in self._known:
            own = frozenset([op.network]) if isinstance(op, NetworkOp | ReferenceOp) else frozenset()
            depends = own.union(*(i.depends for i in inputs))
            carries = own.union(*(i.carries for i in inputs))
            remembers = isinstance(op, NetworkOp) and op.network in self.remembering
            if remembers or isinstance(op, DetachOp):
                carries = frozenset()
            self._known[key] = Node(len(self.nodes), op, inputs, depends, carries, place, trail, remembers)
            self.nodes.append(self._known[key])
        return self._known[key]

    def following(self, networks: Iterable[str]) -> frozenset[str]:
        """Return these networks and the EMAs that follow them: an update makes all of them stale."""
        updated = frozenset(networks)
        return updated | {average for average, of in self.averages.items() if of in updated}


def below(*roots: Node) -> Iterator[Node]:
    """Yield the nodes below roots and the roots themselves, each once, inputs first."""
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [(r, False) for r in reversed(roots)]
    while stack:
        node, done = stack.pop()
        if done:
            yield node
        elif node.index not in seen:
            seen.add(node.index)
            stack.append((node, True))
            stack.extend((i, False) for i in reversed(node.inputs))


def reached(root: Node, networks: frozenset[str]) -> Iterator[Node]:
    """Yield the nodes through which a gradient flows from a root to any of these networks."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if node.index in seen or not node.carries & networks:
            continue
        seen.add(node.index)
        yield node
        if not node.stops_gradient:
            stack.extend(node.inputs)


def written(node: Node, names: Mapping[int, str]) -> str:
    """Return a value's expression, as its recipe would write it; values with names are written as their names."""
    def name(part: Node) -> str:
        return names.get(part.index) or written(part, names)

    inputs, op = [name(i) for i in node.inputs], node.op
    match op:
        case DrawOp():
            return op.draw if op.field is None else f"{op.draw}.{op.field}"
        case ParameterOp():
            return op.name
        case NumberOp():
            return op.weight.text or f"{op.weight.number:g}"
        case ReferenceOp():
            return op.network
        case ItemOp():
            return f"{inputs[0]}, item {op.item}"
        case AttributeOp():
            return f"{inputs[0]}.{op.name}"
        case ArithmeticOp():
            return f"{inputs[0]} {op.sign} {inputs[1]}"
        case TupleOp():
            return ", ".join(inputs)
        case NetworkOp() | ComponentOp() | DetachOp():
            called = op.network if isinstance(op, NetworkOp) else (
                op.component.name if isinstance(op, ComponentOp) else "detach")
            return f"{called}({', '.join(inputs)})"
