"""A recipe brought to life: its graph, checked on shapes, and its networks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import torch
from torch import nn

from unbraid.code import Layout
from unbraid.compute import Surroundings, computation, to_meta, zeros
from unbraid.data import DataFacts
from unbraid.flow import Body, Flow, Game
from unbraid.graph import (
    ComponentOp,
    DrawOp,
    NetworkOp,
    Node,
    NumberOp,
    ParameterOp,
    PartOp,
    ReferenceOp,
    TupleOp,
    below,
)
from unbraid.networks import Called, Networks
from unbraid.random import Noise
from unbraid.values import Gaussian, Label, Set, Value, tensors
from unbraid_configs.mistakes import Mistake, RecipeError, closest
from unbraid_configs.recipe import Place, Recipe

META = torch.device("meta")
BATCH = 2                                          # of the values that shapes are checked with


@attrs.frozen(eq=False)
class Method:
    """What training and the trained model share."""

    recipe: Recipe
    facts: DataFacts
    layout: Layout
    flow: Flow
    games: dict[str, Game]
    watched: dict[str, Node]
    bodies: dict[str, Body]
    modules: dict[str, nn.Module]
    wants_sets: frozenset[str]                     # networks that take whole sets
    layouts: dict[str, Layout]
    variational: bool                              # whether some value is a normal distribution over codes
    parameters: dict[str, dict[str, Value]]        # of functions: meta values of what they are called with
    called_with: dict[str, tuple[Value, ...]]      # of networks: the same, of the first call


def bring_to_life(recipe: Recipe, facts: DataFacts, *, catalog: Any = None) -> Method:
    """The method of a recipe, for data with these facts.  Raises RecipeError with everything that is wrong."""
    if catalog is None:
        from unbraid_registry import registry

        catalog = registry().catalog
    return _Check(recipe, facts, catalog).method()


@attrs.define(eq=False)
class _Check:
    recipe: Recipe
    facts: DataFacts
    catalog: Any
    mistakes: list[Mistake] = attrs.field(factory=list)
    shapes: dict[int, Value] = attrs.field(factory=dict)
    failed: set[int] = attrs.field(factory=set)
    around: Surroundings = attrs.field(init=False)
    nodes: list[Node] = attrs.field(init=False, factory=list)
    walking: set[str] = attrs.field(init=False, factory=set)

    def method(self) -> Method:
        recipe = self.recipe
        layout = Layout.of(recipe.code)
        self._known_factors(layout)
        self._known_networks()
        self._raise()
        flow = Flow(recipe, self.catalog)
        games, watched, bodies = self._graph(flow)
        self._raise()
        self.nodes = flow.graph.nodes
        networks = Networks(recipe, layout, self.facts)
        self.around = Surroundings(networks.called, networks.layouts(), layout,
                                   Noise(recipe.train.seed, META, batch=BATCH))
        for line in recipe.flow:
            self._walk(flow.value(line[0]), f"flow.{', '.join(line)}")
        for game in games.values():
            player, path = recipe.players[game.name], f"players.{game.name}"
            for term in game.terms:
                self._walk(term.node, f"{path}.minimizes.{term.name}")
                self._scalar(term.node, player.minimizes[term.name].place, f"{path}.minimizes.{term.name}")
            if game.when is not None:
                self._walk(game.when, f"{path}.when")
            if game.then is not None and player.then is not None:
                self._then(game.then, player.then.place, f"{path}.then")
        for name, node in watched.items():
            self._walk(node, f"watch.{name}")
            self._number(node, recipe.watch[name].place, f"watch.{name}")
        parameters = {name: self._function(flow, body, networks) for name, body in bodies.items()}
        self._raise()
        self._trained(games, flow, networks)
        self._raise()
        wants = frozenset(name for name, called in networks.called.items() if called.wants_sets)
        return Method(recipe, self.facts, layout, flow, games, watched, bodies, networks.modules, wants,
                      networks.layouts(), any(isinstance(v, Gaussian) for v in self.shapes.values()), parameters,
                      networks.called_with)

    def _raise(self) -> None:
        if self.mistakes:
            first = {(str(m.place), m.message): m for m in reversed(self.mistakes)}
            raise RecipeError(list(first.values()))

    @contextmanager
    def _collecting(self) -> Iterator[None]:
        try:
            yield
        except RecipeError as error:
            self.mistakes += error.mistakes

    def _wrong(self, place: Place, path: str, message: str, hint: str = "") -> None:
        self.mistakes.append(Mistake(place, path, message, hint))

    # -- names --------------------------------------------------------------------------------------------------------

    def _known_factors(self, layout: Layout) -> None:
        for name, n in self.recipe.networks.items():
            for factor in n.code or ():
                if factor not in layout:
                    self._wrong(n.place, f"networks.{name}.code", f"the code has no factor {factor!r}; it has "
                                f"{', '.join(layout.all_names) or 'none'}", closest(factor, layout.all_names))
            if n.image is not None and n.image not in self.facts.draws:
                self._wrong(n.place, f"networks.{name}.image", f"no draw named {n.image!r}; the draws are "
                            f"{', '.join(self.facts.draws)}", closest(n.image, self.facts.draws))

    def _known_networks(self) -> None:
        names = self.recipe.networks
        for name, n in names.items():
            if n.average_of is not None and n.average_of not in names:
                self._wrong(n.place, f"networks.{name}.of", f"no network named {n.average_of!r}",
                            closest(n.average_of, names))
        for name, p in self.recipe.players.items():
            for trained in p.trains:
                if trained not in names:
                    self._wrong(p.place, f"players.{name}.trains", f"no network named {trained!r}; the networks are "
                                f"{', '.join(names)}", closest(trained, names))
                elif names[trained].freeze or names[trained].average_of:
                    why = "frozen" if names[trained].freeze else f"an average of {names[trained].average_of}"
                    self._wrong(p.place, f"players.{name}.trains", f"{trained!r} is {why} and can't be trained")

    def _graph(self, flow: Flow) -> tuple[dict[str, Game], dict[str, Node], dict[str, Body]]:
        games, watched, bodies = {}, {}, {}
        for names in self.recipe.flow:
            with self._collecting():
                flow.value(names[0])
        for name in self.recipe.players:
            with self._collecting():
                games[name] = flow.game(name)
        with self._collecting():
            watched = flow.watched()
        for name in self.recipe.functions:
            with self._collecting():
                bodies[name] = flow.function(name)
        return games, watched, bodies

    # -- shapes -------------------------------------------------------------------------------------------------------

    def _walk(self, root: Node, path: str) -> None:
        """Compute the shapes of everything below a node; networks are built at their first call."""
        for node in below(root):
            if node.index in self.shapes or node.index in self.failed:
                continue
            if any(i.index in self.failed for i in node.inputs):
                self.failed.add(node.index)
                continue
            try:
                self.shapes[node.index] = self._shape(node)
            except RecipeError as error:
                self.failed.add(node.index)
                self.mistakes += [attrs.evolve(m, path=m.path or path) for m in error.mistakes]
            except Exception as error:             # whatever a component raises is the recipe's fault, at this place
                self.failed.add(node.index)
                trail = "".join(f", in {t}" for t in reversed(node.trail))
                self._wrong(node.place, path, f"{self._what(node)}{_first_line(error)}{trail}", self._shapes_of(node))

    def _shape(self, node: Node) -> Value:
        if isinstance(node.op, DrawOp):
            return self._drawn(node.op, node)
        if isinstance(node.op, ReferenceOp):
            self._build(node.op.network)
        values = [self.shapes[i.index] for i in node.inputs]
        compute = computation(node, self.around)
        try:
            return _on_meta(compute(values))
        except Exception as error:
            if isinstance(node.op, NetworkOp | ParameterOp | ReferenceOp) or isinstance(error, RecipeError):
                raise
            return self._on_zeros(node, values)

    def _build(self, network: str) -> None:
        """Walk a call of a network that is passed to a loss, so that it is built."""
        calls = (n for n in self.nodes if isinstance(n.op, NetworkOp) and n.op.network == network)
        if network not in self.walking and (call := next(calls, None)) is not None:
            self.walking.add(network)
            self._walk(call, f"networks.{network}")

    def _on_zeros(self, node: Node, values: list[Value]) -> Value:
        """For what can't run on meta tensors."""
        noise = self.around.noise
        self.around.noise = attrs.evolve(noise, device=torch.device("cpu"))
        try:
            with torch.enable_grad():
                real = [v if isinstance(v, Called) else zeros(v) for v in values]
                return to_meta(computation(node, self.around)(real))
        finally:
            self.around.noise = noise

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

    def _what(self, node: Node) -> str:
        match node.op:
            case NetworkOp(network=name):
                n = self.recipe.networks[name]
                return f"{name} ({n.spec.component.full_name}): " if n.spec else f"{name}: "
        component = getattr(node.op, "component", None)
        return f"{component.full_name}: " if component else ""

    def _shapes_of(self, node: Node) -> str:
        """What a node is called with; and where a network was built for other shapes."""
        def shapes(n: Node) -> str:
            return ", ".join(str(tuple(t.shape)) for i in n.inputs for t in tensors(self.shapes[i.index]))

        if not any(True for i in node.inputs for _ in tensors(self.shapes[i.index])):
            return ""
        first = next((n for n in self.nodes if n.op == node.op and n.index in self.shapes), None)
        built = (f"; it was built for {shapes(first)} at {first.place}" if isinstance(node.op, NetworkOp) and first
                 and shapes(first) != shapes(node) else "")
        return f"called with {shapes(node)}{built}".replace("(2,", "(B,")

    def _scalar(self, node: Node, place: Place, path: str) -> None:
        if node.index in self.shapes:
            v = self.shapes[node.index]
            if isinstance(v, float | int):
                self._wrong(place, path, "the term is a constant number", "a term is a loss, with a weight")
            elif not isinstance(v, torch.Tensor) or v.ndim != 0:
                found = f"a tensor of shape {tuple(v.shape)}" if isinstance(v, torch.Tensor) else type(v).__name__
                self._wrong(place, path, f"a term is one number, this is {found}".replace("(2,", "(B,"),
                            "call a loss on it: mean(...), mse(..., ...)")

    def _number(self, node: Node, place: Place, path: str) -> None:
        v = self.shapes.get(node.index, 0)
        if not isinstance(v, float | int | torch.Tensor):
            self._wrong(place, path, f"a watched value is a number, or a tensor whose mean is logged; this is a "
                        f"{type(v).__name__.lower()}", "watch a loss of it: mean(...)")

    def _then(self, then: Node, place: Place, path: str) -> None:
        """`then` is an operation on networks: no value would be fresh."""
        if all(isinstance(node.op, ComponentOp | ReferenceOp | NumberOp | TupleOp) for node in below(then)):
            self._walk(then, path)
        else:
            self._wrong(place, path, "`then` works on networks and numbers alone, not on values",
                        "call an operation with networks: clip_weights(critic, limit=0.01)")

    def _function(self, flow: Flow, body: Body, networks: Networks) -> dict[str, Value]:
        """Check a function on the shapes of its parameters, where they can be inferred."""
        nodes = list(below(body.result))
        shapes: dict[str, Value] = {}
        for parameter in body.parameters:
            name = parameter.op.name if isinstance(parameter.op, ParameterOp) else ""
            known = self._parameter(flow, name, parameter, nodes, networks)
            if known is not None:
                shapes[name] = known
        if len(shapes) < len(body.parameters):
            return shapes
        for node in nodes:
            if isinstance(node.op, PartOp) and isinstance(of := node.inputs[0].op, ParameterOp):
                field = self._field(of.name, node.op.name, shapes[of.name], node)
                shapes |= {} if field is None else {f"{of.name}.{node.op.name}": field}
        self.around.parameters = shapes
        for node in nodes:                         # parameters of one name have other shapes in other functions
            if isinstance(node.op, ParameterOp) or any(isinstance(b.op, ParameterOp) for b in below(node)):
                self.shapes.pop(node.index, None)
        self._walk(body.result, f"functions.{body.name}")
        return shapes

    def _field(self, parameter: str, field: str, known: Value, node: Node) -> Value | None:
        """What is known about the images of a parameter: the field of the draw of this name, or of any that has it."""
        if not isinstance(known.folded if isinstance(known, Set) else known, torch.Tensor):
            return None
        draws = [parameter] if parameter in self.facts.draws else list(self.facts.draws)
        draw = next((d for d in draws if field in self.facts.draws[d].fields), None)
        return None if draw is None else self._drawn(DrawOp(draw, field), node)

    def _parameter(self, flow: Flow, name: str, node: Node, nodes: list[Node], networks: Networks) -> Value | None:
        if name in self.recipe.data.draw or name in flow.line_of:
            twin = flow.value(name)
            self._walk(twin, f"flow.{name}")
            return self.shapes.get(twin.index)
        for user in nodes:
            if isinstance(user.op, NetworkOp) and node in user.inputs:
                at = user.inputs.index(node)
                for other in flow.graph.nodes:     # a call of the same network whose shapes are known
                    known = self.shapes.get(other.inputs[at].index) if other.op == user.op else None
                    if known is not None and other is not user:
                        return known
        return None

    # -- training -----------------------------------------------------------------------------------------------------

    def _trained(self, games: dict[str, Game], flow: Flow, networks: Networks) -> None:
        trained: set[str] = set()
        for name, p in self.recipe.players.items():
            reaches = frozenset[str]().union(*(t.node.carries for t in games[name].terms))
            trained |= set(p.trains)
            for t in p.trains:
                if t not in reaches:
                    by = ", ".join(sorted(reaches)) or "no network"
                    self._wrong(p.place, f"players.{name}.trains", f"no loss of {name!r} reaches {t!r}",
                                f"its losses reach {by}")
        for name, n in self.recipe.networks.items():
            if name not in networks.modules:
                self._wrong(n.place, f"networks.{name}", f"the network {name!r} is never called",
                            "call it in the flow, in a loss or in a function, or remove it")
                continue
            has_weights = any(True for _ in networks.modules[name].parameters())
            fitted = hasattr(networks.modules[name], "fit")
            if name not in trained and has_weights and not (n.from_ or n.average_of or fitted):
                self._wrong(n.place, f"networks.{name}", f"nobody trains {name!r}",
                            "name it in a player's `trains`, or say where its weights come from: from: RUN#network")


def _on_meta(v: Value) -> Value:
    return v if all(t.is_meta for t in tensors(v)) else to_meta(v)


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
