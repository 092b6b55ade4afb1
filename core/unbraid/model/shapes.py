"""Shape checks of a flow: each node is computed once on meta tensors, and its error becomes a recipe's mistake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import torch

from unbraid.data import DataFacts
from unbraid.flow import (
    AttributeOp,
    ComponentOp,
    DrawOp,
    Flow,
    FunctionGraph,
    NetworkOp,
    Node,
    NumberOp,
    ParameterOp,
    ReferenceOp,
    TupleOp,
    below,
)
from unbraid.model.compute import Environment, computation, to_meta, zeros
from unbraid.model.networks import LazyNetwork, NetworkBuilder
from unbraid.model.small_shapes import SmallShapes
from unbraid.values import Code, Gaussian, Label, Layout, Noise, Set, Value, tensors
from unbraid_configs import Mistake, Place, Recipe, RecipeError
from unbraid_registry import Component, MissingPlugin, closest, fault_of, inputs_of

META = torch.device("meta")
BATCH = 2                                          # batch size of the values that check shapes


@attrs.define(eq=False)
class Shapes:
    """The values of a flow's nodes on the meta device.  Networks are built at their first call.

    mistakes: the mistakes found until now, with their places.
    """

    recipe: Recipe
    facts: DataFacts
    flow: Flow
    layout: Layout
    mistakes: list[Mistake] = attrs.field(factory=list)
    networks: NetworkBuilder = attrs.field(init=False)
    known: dict[int, Value] = attrs.field(init=False, factory=dict)
    missing: dict[int, MissingPlugin] = attrs.field(init=False, factory=dict)      # by node: what it needs is gone
    _failed: set[int] = attrs.field(init=False, factory=set)
    _building: set[str] = attrs.field(init=False, factory=set)
    _environment: Environment = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.networks = NetworkBuilder(self.recipe, self.layout, self.facts)
        noise = Noise(self.recipe.train.seed, META, batch=BATCH, dtype=torch.get_default_dtype())
        self._environment = Environment(self.networks.called, self.networks.layouts(), self.layout, noise)

    @property
    def priors(self) -> frozenset[str]:
        """The parts of the code over which some value is a normal distribution."""
        means = [v.mean for v in self.known.values() if isinstance(v, Gaussian)]
        return frozenset(name for m in means for name in (m.layout if isinstance(m, Code) else self.layout).names)

    def wrong(self, place: Place, path: str, message: str, hint: str = "", cause: Exception | None = None) -> None:
        """Record a mistake."""
        self.mistakes.append(Mistake(place, path, message, hint, cause))

    def walk(self, root: Node, path: str) -> None:
        """Compute the shapes of a node and of everything below it; record mistakes."""
        for node in below(root):
            if node.index in self.known or node.index in self._failed:
                continue
            if any(i.index in self._failed for i in node.inputs):
                self._failed.add(node.index)
                continue
            try:
                self.known[node.index] = self._shape(node)
                self._check_logits(node, path)
            except MissingPlugin as error:         # of a run's recipe: only what is used must be there
                self._failed.add(node.index)
                self.missing[node.index] = error
            except RecipeError as error:
                self._failed.add(node.index)
                self.mistakes += [attrs.evolve(m, path=m.path or path) for m in error.mistakes]
            except Exception as error:             # any error of a component is a mistake of the recipe
                self._failed.add(node.index)
                trail = "".join(f", in {t}" for t in reversed(node.trail))
                what, fault = self._what(node), fault_of(error, self._component(node))
                self.wrong(node.place, path, f"{what}{fault}{trail}", self._called_with(node), error)

    # -- what each line of a recipe may be ----------------------------------------------------------------------------

    def term(self, node: Node, place: Place, path: str) -> None:
        """Check that a term is one number, and not a constant."""
        self.walk(node, path)
        v = self.known.get(node.index)
        if isinstance(v, float | int):
            self.wrong(place, path, "the term is a constant number", "a term is a loss, with a weight")
        elif v is not None and (not isinstance(v, torch.Tensor) or v.ndim != 0):
            found = f"a tensor of shape {tuple(v.shape)}" if isinstance(v, torch.Tensor) else type(v).__name__
            self.wrong(place, path, f"a term is one number, this is {found}".replace("(2,", "(B,"),
                       "call a loss on it: mean(...), mse(..., ...)")

    def watched(self, node: Node, place: Place, path: str) -> None:
        """Check that a watched value is a number or a tensor."""
        self.walk(node, path)
        v = self.known.get(node.index, 0)
        if not isinstance(v, float | int | torch.Tensor):
            self.wrong(place, path, f"a watched value is a number, or a tensor whose mean is logged; this is a "
                       f"{type(v).__name__.lower()}", "watch a loss of it: mean(...)")

    def then(self, node: Node, place: Place, path: str) -> None:
        """Check that `then` uses networks and numbers only: after the update no value is fresh."""
        if all(isinstance(n.op, ComponentOp | ReferenceOp | NumberOp | TupleOp) for n in below(node)):
            self.walk(node, path)
        else:
            self.wrong(place, path, "`then` works on networks and numbers alone, not on values",
                       "call an operation with networks: clip_weights(critic, limit=0.01)")

    def function(self, graph: FunctionGraph) -> dict[str, Value]:
        """Return the shapes of a function's parameters by name, as far as known; check the function if all are."""
        nodes = list(below(graph.result))
        shapes: dict[str, Value] = {}
        for parameter in graph.parameters:
            name = parameter.op.name if isinstance(parameter.op, ParameterOp) else ""
            known = self._parameter(name, parameter, nodes)
            if known is not None:
                shapes[name] = known
        if len(shapes) < len(graph.parameters):
            return shapes
        for node in nodes:
            if isinstance(node.op, AttributeOp) and isinstance(of := node.inputs[0].op, ParameterOp):
                field = self._field(of.name, node.op.name, shapes[of.name], node)
                shapes |= {} if field is None else {f"{of.name}.{node.op.name}": field}
        self._environment.parameters = shapes
        for node in nodes:                         # parameters of one name have other shapes in other functions
            if isinstance(node.op, ParameterOp) or any(isinstance(b.op, ParameterOp) for b in below(node)):
                self.known.pop(node.index, None)
        self.walk(graph.result, f"functions.{graph.name}")
        return shapes

    def gone(self, graph: FunctionGraph) -> MissingPlugin | None:
        """Return the error for a plugin that a function needs and that is not there, or None."""
        nodes = list(below(graph.result))
        unbuilt = any(isinstance(n.op, NetworkOp) and n.op.network not in self.networks.modules for n in nodes)
        return next((self.missing[n.index] for n in nodes if n.index in self.missing),
                    next(iter(self.missing.values()), None) if unbuilt else None)

    # -- computing ----------------------------------------------------------------------------------------------------

    def _shape(self, node: Node) -> Value:
        if isinstance(node.op, DrawOp):
            return self._drawn(node.op, node)
        if isinstance(node.op, ReferenceOp):
            self._build(node.op.network)
        values = [self.known[i.index] for i in node.inputs]
        compute = computation(node, self._environment)
        try:
            with SmallShapes():  # type: ignore[no-untyped-call]
                return _on_meta(compute(values))
        except Exception as error:
            if isinstance(node.op, NetworkOp | ParameterOp | ReferenceOp) or isinstance(error, RecipeError):
                raise
            return self._on_zeros(node, values)

    def _check_logits(self, node: Node, path: str) -> None:
        """Check that no loss compares a generator's logits with the pixels of a drawn image."""
        if not (isinstance(node.op, ComponentOp) and node.op.component.kind == "loss"):
            return
        drawn = next((i.op.draw for i in node.inputs if isinstance(i.op, DrawOp) and i.op.field is None), None)
        for parameter, i in zip(inputs_of(node.op.component), node.inputs, strict=False):
            if drawn and parameter.name != "logits" and isinstance(i.op, NetworkOp) and (
                    self.recipe.networks[i.op.network].gives_logits):
                self.wrong(node.place, path, f"{i.op.network} gives logits, and {node.op.component.name} compares them "
                           f"with the pixels of {drawn}", "take a loss of logits, bernoulli(y, x), or sigmoid(y); or "
                           f"networks.{i.op.network}.output: sigmoid")

    def _build(self, network: str) -> None:
        """Build a network that is passed to a loss, by walking one of its calls."""
        if network not in self._building and (call := next(self._calls(network), None)) is not None:
            self._building.add(network)
            self.walk(call, f"networks.{network}")

    def _calls(self, network: str) -> Iterator[Node]:
        return (n for n in self.flow.graph.nodes if isinstance(n.op, NetworkOp) and n.op.network == network)

    def _on_zeros(self, node: Node, values: Sequence[Value]) -> Value:
        """Return the shape of a node that can't run on meta tensors, by computing it on zeros."""
        noise = self._environment.noise
        self._environment.noise = attrs.evolve(noise, device=torch.device("cpu"))
        try:
            with torch.enable_grad():
                real = [v if isinstance(v, LazyNetwork) else zeros(v) for v in values]
                return to_meta(computation(node, self._environment)(real))
        finally:
            self._environment.noise = noise

    def _drawn(self, op: DrawOp, node: Node) -> Value:
        facts = self.facts.draws[op.draw]
        rows = BATCH * (facts.count or 1)
        if op.field is None:
            v: Value = torch.empty(rows, *facts.image, device=META)
        elif op.field not in facts.fields:
            names = ", ".join(facts.fields) or "none"
            raise RecipeError([Mistake(node.place, "", f"the images of {op.draw} have no field {op.field!r}; the "
                               f"source has {names}", closest(op.field, facts.fields))])
        else:
            field = facts.fields[op.field]
            shape = (rows, *field.shape)
            v = (torch.empty(shape, device=META) if field.classes is None
                 else Label(torch.empty(shape, dtype=torch.long, device=META), field.classes))
        return v if facts.count is None else Set(v, facts.count)

    # -- parameters of functions --------------------------------------------------------------------------------------

    def _parameter(self, name: str, node: Node, nodes: Sequence[Node]) -> Value | None:
        """Infer a function's parameter from the flow's value of its name, or from other calls of the same network."""
        if name in self.recipe.data.draw or name in self.flow.line_of:
            twin = self.flow.value(name)
            self.walk(twin, f"flow.{name}")
            return self.known.get(twin.index)
        for user in nodes:
            if isinstance(user.op, NetworkOp) and node in user.inputs:
                at = user.inputs.index(node)
                given = [other.inputs[at] for other in self._calls(user.op.network) if other is not user]
                known = [(self.known[i.index], i) for i in given if i.index in self.known]
                if known:                          # a drawn image counts before anything else, a set last
                    found = min(known, key=lambda k: (isinstance(k[0], Set), not isinstance(k[1].op, DrawOp)))[0]
                    takes_sets = self.networks.called[user.op.network].wants_sets
                    return found.first() if isinstance(found, Set) and not takes_sets else found
        return None

    def _field(self, parameter: str, field: str, known: Value, node: Node) -> Value | None:
        """Infer a field of a parameter's images from the draw of this name, or else from a draw with such a field."""
        if not isinstance(known.folded if isinstance(known, Set) else known, torch.Tensor):
            return None
        draws = [parameter] if parameter in self.facts.draws else list(self.facts.draws)
        draw = next((d for d in draws if field in self.facts.draws[d].fields), None)
        return None if draw is None else self._drawn(DrawOp(draw, field), node)

    # -- messages -----------------------------------------------------------------------------------------------------

    def _component(self, node: Node) -> Component | None:
        spec = self.recipe.networks[node.op.network].spec if isinstance(node.op, NetworkOp) else None
        return spec.component if spec else getattr(node.op, "component", None)

    def _what(self, node: Node) -> str:
        component, name = self._component(node), getattr(node.op, "network", "")
        return (f"{name} ({component.full_name}): " if name else f"{component.full_name}: ") if component else (
            f"{name}: " if name else "")

    def _called_with(self, node: Node) -> str:
        """Describe the shapes that a node is called with, and others that its network was built for."""
        def shapes(n: Node) -> str:
            return ", ".join(text for i in n.inputs for text in _shapes(self.known[i.index]))

        if not any(True for i in node.inputs for _ in tensors(self.known[i.index])):
            return ""
        first = next((n for n in self.flow.graph.nodes if n.op == node.op and n.index in self.known), None)
        built = (f"; it was built for {shapes(first)} at {first.place}" if isinstance(node.op, NetworkOp) and first
                 and shapes(first) != shapes(node) else "")
        return f"called with {shapes(node)}{built}"


def _on_meta(v: Value) -> Value:
    return v if all(t.is_meta for t in tensors(v)) else to_meta(v)


def _shapes(v: Value) -> Iterator[str]:
    """Yield the shapes of a value's tensors, (B, 3, 32, 32); those of a set with its number, 5 x (B, 3, 32, 32)."""
    count = v.count if isinstance(v, Set) else 1
    for t in tensors(v):
        rows = ["B"] if t.ndim and t.shape[0] == BATCH * count else [str(n) for n in t.shape[:1]]
        inner = ", ".join([*rows, *map(str, t.shape[1:])])
        yield f"{count} x " * isinstance(v, Set) + (f"({inner},)" if t.ndim == 1 else f"({inner})")
