"""A recipe applied to its data: its graph with checked shapes, and its networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs
from torch import nn

from unbraid.data import DataFacts
from unbraid.flow import Flow, FunctionGraph, Node, PlayerGraph
from unbraid.model.shapes import Shapes
from unbraid.values import Layout, Value
from unbraid_configs import Mistake, Place, Recipe, RecipeError
from unbraid_registry import Component, FormerPlugins, MissingPlugin, registry


@attrs.frozen(eq=False)
class Method:
    """A recipe with its graphs, networks and shapes; training and the trained model share it."""

    recipe: Recipe
    facts: DataFacts
    layout: Layout
    flow: Flow
    player_graphs: dict[str, PlayerGraph]
    watched: dict[str, Node]
    function_graphs: dict[str, FunctionGraph]
    modules: dict[str, nn.Module]
    wants_sets: frozenset[str]                     # networks that take whole sets
    layouts: dict[str, Layout]
    priors: frozenset[str]                         # parts of the code over which some value is a normal distribution
    parameters: dict[str, dict[str, Value]]        # by function: meta values of its arguments
    called_with: dict[str, tuple[Value, ...]]      # by network: meta values of its first call's inputs
    lacking: dict[str, MissingPlugin]              # by function: the plugin that it needs, and that is gone

    @property
    def variational(self) -> bool:
        """Whether some value is a normal distribution over codes, or over a part of them."""
        return bool(self.priors)

    @property
    def components(self) -> list[Component]:
        """The components that the recipe uses: of sources, networks and calls."""
        specs = [*self.recipe.data.sources.values(), *(n.spec for n in self.recipe.networks.values() if n.spec)]
        return [*(spec.component for spec in specs), *self.flow.components.values()]


def build_method(recipe: Recipe, facts: DataFacts, *, catalog: Any = None) -> Method:
    """Build the method of a recipe for data with these facts.  Raises RecipeError that lists all mistakes."""
    if catalog is None:
        catalog = FormerPlugins(registry())        # what is not there was told when the recipe was loaded
    return _MethodBuilder(recipe, facts, catalog).method()


@attrs.define(eq=False)
class _MethodBuilder:
    recipe: Recipe
    facts: DataFacts
    catalog: Any
    mistakes: list[Mistake] = attrs.field(factory=list)

    def method(self) -> Method:
        recipe, layout = self.recipe, Layout.of(self.recipe.code)
        flow = Flow(recipe, self.catalog)
        players, watched, functions = self._graphs(flow)
        self._raise()
        shapes = Shapes(recipe, self.facts, flow, layout, self.mistakes)
        for names in recipe.flow:
            shapes.walk(flow.value(names[0]), f"flow.{', '.join(names)}")
        for name, graph in players.items():
            player, path = recipe.players[name], f"players.{name}"
            for term in graph.terms:
                shapes.term(term.node, player.minimizes[term.name].place, f"{path}.minimizes.{term.name}")
            if graph.when is not None:
                shapes.walk(graph.when, f"{path}.when")
            if graph.then is not None and player.then is not None:
                shapes.then(graph.then, player.then.place, f"{path}.then")
        for name, node in watched.items():
            shapes.watched(node, recipe.watch[name].place, f"watch.{name}")
        parameters = {name: shapes.function(graph) for name, graph in functions.items()}
        self._raise()
        networks = shapes.networks
        if not shapes.missing:
            self._check_training(players, networks.modules)
        self._raise()
        wants = frozenset(name for name, called in networks.called.items() if called.wants_sets)
        return Method(recipe, self.facts, layout, flow, players, watched, functions, networks.modules, wants,
                      networks.layouts(), shapes.priors, parameters, networks.called_with,
                      {name: gone for name, graph in functions.items() if (gone := shapes.gone(graph)) is not None})

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

    def _graphs(self, flow: Flow) -> tuple[dict[str, PlayerGraph], dict[str, Node], dict[str, FunctionGraph]]:
        players, watched, functions = {}, {}, {}
        for names in self.recipe.flow:
            with self._collecting():
                flow.value(names[0])
        for name in self.recipe.players:
            with self._collecting():
                players[name] = flow.player(name)
        with self._collecting():
            watched = flow.watched()
        for name in self.recipe.functions:
            with self._collecting():
                functions[name] = flow.function(name)
        return players, watched, functions

    def _check_training(self, players: Mapping[str, PlayerGraph], modules: Mapping[str, nn.Module]) -> None:
        """Check that players reach what they train, and that networks are called and have a source of weights."""
        trained: set[str] = set()
        for name, p in self.recipe.players.items():
            reaches = frozenset[str]().union(*(t.node.carries for t in players[name].terms))
            trained |= set(p.trains)
            for t in p.trains:
                if t not in reaches:
                    by = ", ".join(sorted(reaches)) or "no network"
                    self._wrong(p.place, f"players.{name}.trains", f"no loss of {name!r} reaches {t!r}",
                                f"its losses reach {by}")
        for name, n in self.recipe.networks.items():
            if name not in modules:
                self._wrong(n.place, f"networks.{name}", f"the network {name!r} is never called",
                            "call it in the flow, in a loss or in a function, or remove it")
                continue
            has_weights = any(True for _ in modules[name].parameters())
            fitted = hasattr(modules[name], "fit")
            if name not in trained and has_weights and not (n.from_ or n.average_of or fitted):
                self._wrong(n.place, f"networks.{name}", f"nobody trains {name!r}",
                            "name it in a player's `trains`, or say where its weights come from: from: RUN#network")
