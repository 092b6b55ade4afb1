"""Checks of the names in expressions: values, draws, networks, weights, functions, schedules, components.

The raw tree is checked, as for the other references, so that all mistakes of a recipe are reported at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import attrs

from unbraid_configs import Mistake, RecipeError
from unbraid_configs.checking.components import Finds, note, note_former_name
from unbraid_configs.checking.converter import read_expression
from unbraid_configs.checking.invalid import Invalid
from unbraid_configs.expressions import (
    SCHEDULES,
    Call,
    Condition,
    Expression,
    Name,
    Weights,
    parts_of,
    read_signature,
    split_names,
)
from unbraid_configs.reading import Node
from unbraid_configs.resolving import is_expression
from unbraid_registry import CALLED_KINDS, UnbraidError, check_call, closest

NAMING = (("data",), ("data", "draw"), ("weights",), ("networks",), ("flow",), ("functions",))


def check_names(tree: Node, catalog: Finds) -> list[Mistake]:
    """Return a mistake for every name in an expression that is unknown, or not allowed there."""
    if any(found is not None and (not found.is_map or found.style == "broken") for found in _sections(tree)):
        return []                                  # the names that it would define are not known
    names, found = _Names.of(tree, catalog), dict[object, Mistake]()
    for path, node in tree.walk():
        if is_expression(path):
            try:
                expression = read_expression(node, Condition if path[2:] == ("when",) else Expression)
            except Invalid:
                continue
            for mistake in names.check(path, expression):
                found.setdefault((mistake.place, mistake.message), mistake)
    return list(found.values())


def _sections(tree: Node) -> Iterator[Node | None]:
    for path in NAMING:
        node: Node | None = tree
        for key in path:
            node = node.get(key) if node else None
        yield node


def readable(section: Node | None) -> Iterator[tuple[str, Expression]]:
    """Yield the entries of a section whose expressions can be read."""
    for name, node in section.items() if section else ():
        with suppress(Invalid):
            yield name, read_expression(node, Expression)


@attrs.frozen
class _Names:
    """The names that a recipe defines."""

    draws: list[str]
    weights: Weights
    networks: list[str]
    values: list[str]                              # of the flow
    functions: dict[str, tuple[str, ...] | None]   # and their parameters; None where they are not written
    catalog: Finds

    @classmethod
    def of(cls, tree: Node, catalog: Finds) -> _Names:
        _, draws, weights, networks, flow, functions = _sections(tree)
        signatures = [s for key, node in (functions.items() if functions else ())
                      if (s := read_signature(key, node.name_place))]
        return cls(draws=list(draws.value) if draws else ["x"],
                   weights=Weights(dict(readable(weights))),
                   networks=list(networks.value) if networks else [],
                   values=[name.text for key, node in (flow.items() if flow else ())
                           for name in split_names(key, node.name_place)],
                   functions={s.name.text: None if s.parameters is None else tuple(p.text for p in s.parameters)
                              for s in signatures},
                   catalog=catalog)

    def check(self, path: tuple[str, ...], expression: Expression) -> Iterator[Mistake]:
        """Yield the mistakes in one expression."""
        parameters: tuple[str, ...] | None = ()
        if path[0] == "functions":
            path = ("functions", path[1].partition("(")[0].strip())
            parameters = self.functions.get(path[1])
        if parameters is None:
            return
        if path[0] == "weights" or path[-2:] == ("optimizer", "lr"):
            yield from self._wrong(partial(self.weights.read, expression), path)
            return
        for part in parts_of(expression.tree):
            if isinstance(part, Name):
                problem = self._no_value(part.name, parameters)
            elif isinstance(part, Call) and part.function in SCHEDULES:
                yield from self._wrong(partial(self.weights.split, part), path)
                continue
            elif isinstance(part, Call):
                problem = self._no_call(part, parameters)
            else:
                continue
            if problem:
                yield Mistake(part.place, ".".join(path), *problem)

    @staticmethod
    def _wrong(read: Callable[[str], object], path: tuple[str, ...]) -> list[Mistake]:
        try:
            read(".".join(path))
        except RecipeError as error:
            return error.mistakes
        return []

    def _no_value(self, name: str, parameters: tuple[str, ...]) -> tuple[str, str] | None:
        has = [*parameters, *self.draws, *self.values]
        if name in has or name in self.weights or name in self.networks:
            return None
        if name in self.functions:
            return f"{name!r} is a function", f"call it: {name}({', '.join(self.functions[name] or ())})"
        return f"no value named {name!r}; the flow has {', '.join(has)}", closest(
            name, [*has, *self.weights.expressions, *self.networks])

    def _no_call(self, call: Call, parameters: tuple[str, ...]) -> tuple[str, str] | None:
        name, given = call.function, len(call.arguments) + len(call.options)
        if name == "detach":
            return None if given == len(call.arguments) == 1 else ("detach takes one value", "")
        if name in self.functions:
            takes = self.functions[name]
            if takes is None or len(takes) == len(call.arguments) == given:
                return None
            return f"{name}({', '.join(takes)}) is called with {given} values", "give them by position"
        if name in self.networks:
            return (f"the network {name!r} has no options in a call",
                    f"set them under networks.{name}") if call.options else None
        if name in (*parameters, *self.draws, *self.values):
            return (f"{name!r} is a value and can't be called",
                    "functions, networks, losses and operations are called")
        return self._no_component_call(call)

    def _no_component_call(self, call: Call) -> tuple[str, str] | None:
        try:
            component = self.catalog.find(call.function, CALLED_KINDS)
            check_call(component, len(call.arguments), [name for name, _ in call.options])
            note_former_name(call.place, call.function, component)
            for name, _ in call.options:
                if name in component.renamed:
                    note(call.place, f"the option {name!r} of {component.full_name} is called "
                         f"{component.present(name)!r} now")
        except UnbraidError as error:
            near = closest(call.function, [*self.functions, *self.networks, *SCHEDULES,
                                           getattr(error, "closest", "")]) if "." not in call.function else ""
            return error.message, near or error.hint
        except ValueError as error:
            return str(error), ""
        return None
