"""Builder of the graph from a recipe's lines: it resolves names, and reads the flow again for calls of functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import attrs

from unbraid.flow.graph import (
    ArithmeticOp,
    AttributeOp,
    ComponentOp,
    DetachOp,
    DrawOp,
    Graph,
    ItemOp,
    NetworkOp,
    Node,
    NumberOp,
    ParameterOp,
    ReferenceOp,
    TupleOp,
    below,
)
from unbraid_configs import Mistake, Place, Recipe, RecipeError, read_by
from unbraid_configs.expressions import (
    SCHEDULES,
    Arithmetic,
    Attribute,
    Call,
    Comparison,
    Name,
    Number,
    Text,
    Tree,
    Tuple,
    Weight,
    Weights,
)
from unbraid_registry import CALLED_KINDS, Component, option_value

MAX_CALLS = 30                                      # function calls within each other
MAX_DEPTH = 200                                     # values that read values; parts of expressions count too
MAX_READINGS = 20_000                              # parts of all expressions; a function's count at every call


@attrs.frozen(eq=False)
class Term:
    """A term of a player's loss: a weight times an expression."""

    name: str
    weight: Weight
    node: Node


@attrs.frozen(eq=False)
class PlayerGraph:
    """A player's part of the graph.  when: its gate; then: the value that is computed after its update."""

    name: str
    terms: tuple[Term, ...]
    when: Node | None = None
    then: Node | None = None

    def active(self, step: int) -> Iterator[Term]:
        """Yield the terms whose weight is not 0 at a step."""
        return (term for term in self.terms if term.weight.at(step) != 0)


@attrs.frozen(eq=False)
class FunctionGraph:
    """A function's graph: its parameters and its result."""

    name: str
    parameters: tuple[Node, ...]
    result: Node


@attrs.define(eq=False)
class Frame:
    """One reading of the flow: the base reading, or the reading for one function call with its parameters in place."""

    path: str = ""
    trail: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()                # being called, outermost first
    parameters: dict[str, Node] = attrs.Factory(dict)
    replaced: dict[str, Node] = attrs.Factory(dict)    # flow values and draws with another value in this reading
    lines: dict[tuple[str, ...], Node] = attrs.Factory(dict)
    reading: list[tuple[str, ...]] = attrs.Factory(list)
    counts: Counter[tuple[str, str]] = attrs.Factory(Counter)

    def ordinal(self, line: str, name: str) -> str:
        """Return `name` and its number among equal ones in this line: the last part of an address."""
        self.counts[line, name] += 1
        return f"{name}.{self.counts[line, name]}"


@attrs.define(eq=False)
class Flow:
    """The graph of a recipe.  Every mistake raises RecipeError with file, line and column inside the expression."""

    recipe: Recipe
    catalog: Any
    graph: Graph = attrs.field(init=False)
    weights: Weights = attrs.field(init=False)
    root: Frame = attrs.field(init=False, factory=Frame)
    line_of: dict[str, tuple[str, ...]] = attrs.field(init=False)
    components: dict[str, Component] = attrs.field(init=False, factory=dict)   # used by calls, by the name written
    _reads: dict[str, set[str]] = attrs.field(init=False, factory=dict)
    _depth: int = attrs.field(init=False, default=0)
    _readings: int = attrs.field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        networks = self.recipe.networks
        self.graph = Graph({name: n.average_of for name, n in networks.items() if n.average_of},
                           frozenset(name for name, n in networks.items() if n.spec and n.spec.component.remembers))
        self.weights = Weights(self.recipe.weights)
        self.line_of = {name: names for names in self.recipe.flow for name in names}

    # -- what the engine asks for -------------------------------------------------------------------------------------

    def value(self, name: str) -> Node:
        """Return the node of a flow value or a draw."""
        return self._name(Name(name), self.root, name, "")

    def player(self, player: str) -> PlayerGraph:
        """Return a player's terms, its gate and its `then`."""
        p, path = self.recipe.players[player], f"players.{player}"
        terms = []
        for name, expression in p.minimizes.items():
            where = f"{path}.minimizes.{name}"
            weight, rest = self.weights.split(expression.tree, where)
            line = f"{player}.{name}"
            terms.append(Term(name, weight, self._read(rest or Number(1, expression.place), self.root, line, where)))
        when = then = None
        if p.when is not None:
            when = self._read(p.when.tree, self.root, f"{player}.when",
                              f"{path}.when")
        if p.then is not None:
            then = self._read(p.then.tree, self.root, f"{player}.then", f"{path}.then")
        return PlayerGraph(player, tuple(terms), when, then)

    def watched(self) -> dict[str, Node]:
        """Return the values that are logged without being minimised."""
        return {name: self._read(e.tree, self.root, f"watch.{name}", f"watch.{name}")
                for name, e in self.recipe.watch.items()}

    def function(self, name: str) -> FunctionGraph:
        """Return the graph of a function as a user calls it.  Raises RecipeError where it still needs a draw."""
        f = self.recipe.functions[name]
        path = f"functions.{name}"
        nodes = tuple(self.graph.node(ParameterOp(p), (), f.place) for p in f.parameters)
        with self._calling(name, self.root, path, f.body.place, dict(zip(f.parameters, nodes, strict=True))) as frame:
            result = self._read(f.body.tree, frame, name, path)
        for node in below(result):
            if isinstance(node.op, DrawOp):
                drawn = node.op.draw if node.op.field is None else f"{node.op.draw}.{node.op.field}"
                known = ", ".join(f.parameters) or "no parameters"
                self._fail(node.place, path, f"{name}({', '.join(f.parameters)}) still needs the draw {drawn}",
                           f"add the parameter {node.op.draw}: it has {known}")
        return FunctionGraph(name, nodes, result)

    # -- reading ------------------------------------------------------------------------------------------------------

    def _fail(self, place: Place, path: str, message: str, hint: str = "", frame: Frame | None = None) -> NoReturn:
        trail = "".join(f", in {t}" for t in reversed(frame.trail)) if frame else ""
        raise RecipeError([Mistake(place, path, message + trail, hint)])

    def _read(self, tree: Tree, frame: Frame, line: str, path: str) -> Node:
        """Read a tree in a frame and return its node.  line: the line's name, for addresses; path: for messages."""
        self._count(tree, path)
        try:
            match tree:
                case Number(value=number):
                    return self._node(NumberOp(Weight(float(number))), (), tree, frame)
                case Name():
                    return self._name(tree, frame, line, path)
                case Attribute(of=Name(name=name), name=field) if self._is_draw(name, frame):
                    node = frame.replaced.get(name)
                    if node is None:
                        return self._node(DrawOp(name, field), (), tree, frame)
                    return self._part(node, field, tree, frame)
                case Attribute(of=of, name=field):
                    return self._part(self._read(of, frame, line, path), field, tree, frame)
                case Tuple(items=items):
                    return self._node(TupleOp(), [self._read(i, frame, line, path) for i in items], tree, frame)
                case Arithmetic() | Comparison():
                    return self._chain(tree, frame, line, path)
                case Call():
                    return self._call(tree, frame, line, path)
                case Text():
                    self._fail(tree.place, path, f"the text {tree.value!r} may stand as an option alone",
                               f"f(x, name={tree.value!r})")
        finally:
            self._depth -= 1

    def _count(self, tree: Tree, path: str) -> None:
        self._readings += 1
        if self._depth == MAX_DEPTH:
            self._fail(tree.place, path, f"more than {MAX_DEPTH} values are made of one another here",
                       "long chains belong into a network or an operation of a plugin")
        if self._readings > MAX_READINGS:
            self._fail(tree.place, path, f"the flow has more than {MAX_READINGS} parts",
                       "functions that call functions multiply what is computed")
        self._depth += 1

    def _chain(self, tree: Arithmetic | Comparison, frame: Frame, line: str, path: str) -> Node:
        """Read a chain of signs in a loop, so that a long sum does not count as deep nesting."""
        chain: list[Arithmetic | Comparison] = [tree]
        while isinstance(chain[-1].left, Arithmetic):
            chain.append(chain[-1].left)
        node = self._read(chain[-1].left, frame, line, path)
        for part in reversed(chain):
            inputs = [node, self._read(part.right, frame, line, path)]
            node = self._node(ArithmeticOp(part.sign), inputs, part, frame)
        return node

    def _node(self, op: Any, inputs: Any, tree: Tree, frame: Frame) -> Node:
        return self.graph.node(op, inputs, tree.place, frame.trail)

    def _part(self, node: Node, field: str, tree: Tree, frame: Frame) -> Node:
        if isinstance(node.op, DrawOp) and node.op.field is None:
            return self._node(DrawOp(node.op.draw, field), (), tree, frame)
        return self._node(AttributeOp(field), [node], tree, frame)

    def _is_draw(self, name: str, frame: Frame) -> bool:
        return name in self.recipe.data.draw and name not in frame.parameters

    def _name(self, tree: Name, frame: Frame, line: str, path: str) -> Node:
        name = tree.name
        if name in frame.parameters:
            return frame.parameters[name]
        if name in frame.replaced:
            return frame.replaced[name]
        if name in self.recipe.data.draw:
            return self._node(DrawOp(name), (), tree, frame)
        if name in self.line_of:
            return self._line(name, tree, frame, path)
        if name in self.weights:
            return self._node(NumberOp(self.weights.named(name)), (), tree, frame)
        if name in self.recipe.networks:
            return self._node(ReferenceOp(name), (), tree, frame)
        raise KeyError(name)                       # the recipe's names were checked when it was loaded

    def _line(self, name: str, tree: Name, frame: Frame, path: str) -> Node:
        """Return a flow value from the base reading, unless this frame replaces something that the line depends on."""
        names = self.line_of[name]
        if frame is not self.root and not self._read_by(name) & frame.replaced.keys():
            frame = self.root
        if names not in frame.lines:
            if names in frame.reading:
                circle = [*(n[0] for n in frame.reading[frame.reading.index(names):]), name]
                self._fail(tree.place, path, f"the flow goes round: {' -> '.join(circle)}", "break the circle", frame)
            expression = self.recipe.flow[names]
            where = f"flow.{', '.join(names)}"
            inner = attrs.evolve(frame, parameters={})         # lines, reading and counts are shared with the frame
            frame.reading.append(names)
            try:
                frame.lines[names] = self._read(expression.tree, inner, names[0], where)
            finally:
                frame.reading.pop()
        node = frame.lines[names]
        if len(names) == 1:
            return node
        item = names.index(name)
        if isinstance(node.op, TupleOp):
            if len(node.inputs) != len(names):
                self._fail(self.recipe.flow[names].place, f"flow.{', '.join(names)}",
                           f"{len(names)} names for {len(node.inputs)} values")
            return node.inputs[item]
        return self.graph.node(ItemOp(item, len(names)), [node], self.recipe.flow[names].place, frame.trail)

    def _read_by(self, name: str) -> set[str]:
        """Return the names of all values and draws that a value reads, through functions too."""
        if name not in self._reads:
            self._reads[name] = read_by(self.recipe, [self.recipe.flow[self.line_of[name]]])
        return self._reads[name]

    # -- calls --------------------------------------------------------------------------------------------------------

    def _call(self, call: Call, frame: Frame, line: str, path: str) -> Node:
        name = call.function
        if name == "detach":
            return self._node(DetachOp(), [self._read(call.arguments[0], frame, line, path)], call, frame)
        if name in SCHEDULES:
            weight, _ = self.weights.split(call, path)
            return self._node(NumberOp(weight), (), call, frame)
        if name in self.recipe.functions:
            return self._function_call(call, frame, line, path)
        inputs = [self._read(a, frame, line, path) for a in call.arguments]
        if name in self.recipe.networks:
            return self._node(NetworkOp(name), inputs, call, frame)
        return self._component_call(call, inputs, frame, line, path)

    def _function_call(self, call: Call, frame: Frame, line: str, path: str) -> Node:
        f = self.recipe.functions[call.function]
        inputs = [self._read(a, frame, line, path) for a in call.arguments]
        ordinal = f"{frame.path}{line}/{frame.ordinal(line, f.name)}/"
        with self._calling(f.name, frame, path, call.place, dict(zip(f.parameters, inputs, strict=True)),
                           ordinal) as inner:
            return self._read(f.body.tree, inner, f.name, f"functions.{f.name}")

    @contextmanager
    def _calling(self, name: str, frame: Frame, path: str, place: Place, parameters: dict[str, Node],
                 ordinal: str = "") -> Iterator[Frame]:
        """Yield the frame of a function call, where its parameters replace the values of the same names."""
        if name in frame.functions or len(frame.functions) > MAX_CALLS:
            self._fail(place, path, f"the functions go round: {' -> '.join((*frame.functions, name))}",
                       "loops belong into a network or an operation of a plugin", frame)
        values = {p: n for p, n in parameters.items() if p in self.line_of or p in self.recipe.data.draw}
        trail = frame.trail if not ordinal else (*frame.trail, f"{name}(...) called at {place}")
        yield Frame(path=ordinal or f"{name}/", trail=trail, functions=(*frame.functions, name), parameters=parameters,
                    replaced={**frame.replaced, **values})

    def _component_call(self, call: Call, inputs: list[Node], frame: Frame, line: str, path: str) -> Node:
        name = call.function
        if name not in self.components:
            self.components[name] = self.catalog.find(name, CALLED_KINDS)
        component = self.components[name]
        try:
            options = tuple(sorted((component.present(n), self._option(component, n, tree, path))
                                   for n, tree in call.options))
        except ValueError as error:
            self._fail(call.place, path, str(error), frame=frame)
        address = f"{frame.path}{line}/{frame.ordinal(line, component.full_name)}" if component.random else None
        return self._node(ComponentOp(component, options, address), inputs, call, frame)

    def _option(self, component: Component, name: str, tree: Tree, path: str) -> Any:
        if isinstance(tree, Number | Text):
            return option_value(component, name, tree.value)
        weight, rest = self.weights.split(tree, path)
        if rest is not None:
            raise ValueError(f"the option {name!r} of {component.name} is a constant: a number, a text in quotes, a "
                             "weight or a schedule")
        return option_value(component, name, weight.number) if weight.constant else weight
