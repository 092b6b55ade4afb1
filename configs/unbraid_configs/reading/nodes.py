"""The raw tree of a recipe: maps, lists and scalars, each with its place in the file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from math import isfinite
from numbers import Integral, Real
from typing import Any

import attrs

from unbraid_configs import Expression, Place
from unbraid_configs.reading.scalars import write_number

OVERRIDE = Place("<override>")
PYTHON = Place("<recipe>")


@attrs.frozen
class Node:
    """A value of the raw tree, with its origin.

    value: a dict of nodes, a list of nodes, or a scalar (text, int, float, bool, None).
    place: the beginning of the value.
    key: the beginning of the key that leads to it.
    text: the source of a scalar, without quotes.
    style: `plain`, a quote, `|` or `>`; empty outside of YAML; `broken` after a reported mistake; `cut` by a comma.
    """

    value: Any
    place: Place = PYTHON
    key: Place | None = None
    text: str = ""
    style: str = ""

    @property
    def is_map(self) -> bool:
        """Whether it is a map."""
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.value, list)

    @property
    def is_null(self) -> bool:
        """Whether it is null, either written or left out."""
        return self.value is None

    @property
    def is_missing(self) -> bool:
        """Whether nothing stands after the colon."""
        return self.value is None and self.style == "plain" and not self.text

    @property
    def name_place(self) -> Place:
        """The place of its name; its own place where it has no name."""
        return self.key or self.place

    @property
    def text_place(self) -> Place:
        """The place of the first character of `text`, after an opening quote."""
        if self.style in ("'", '"'):
            return Place(self.place.file, self.place.line, self.place.column + 1)
        return self.place

    def get(self, key: str) -> Node | None:
        """Return the node under a key; None where the key is missing or this is no map."""
        return self.value.get(key) if self.is_map else None

    def items(self) -> list[tuple[str, Node]]:
        """Return the entries of a map; an empty list where this is no map."""
        return list(self.value.items()) if self.is_map else []

    def with_value(self, value: Any) -> Node:
        """Return a copy with another value at the same place."""
        return attrs.evolve(self, value=value)

    def with_entry(self, key: str, node: Node) -> Node:
        """Return a copy of the map with one entry added or replaced."""
        return self.with_value({**self.value, key: node})

    def as_broken(self) -> Node:
        """Return a copy that is reported already: no check reports it again."""
        return attrs.evolve(self, style="broken")

    def plain(self) -> Any:
        """Return the value without origins."""
        if self.is_map:
            return {key: node.plain() for key, node in self.value.items()}
        if self.is_list:
            return [node.plain() for node in self.value]
        return self.value

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
        """Yield this node and every node below it, each with its path."""
        yield path, self
        if self.is_map:
            for key, node in self.value.items():
                yield from node.walk((*path, key))
        elif self.is_list:
            for index, node in enumerate(self.value):
                yield from node.walk((*path, str(index)))


def from_python(value: Any, place: Place = PYTHON, depth: int = 0) -> Node:
    """Build a tree from dicts, lists, tuples, scalars, paths and expressions.  Raises ValueError for anything else."""
    if depth > 50:
        raise ValueError("is nested too deeply")
    if isinstance(value, Expression):
        return Node(value.text, place, place, text=value.text)
    if value is None or isinstance(value, bool):
        return Node(value, place, place, text="null" if value is None else str(value).lower())
    if isinstance(value, Integral):
        return Node(int(value), place, place, text=str(int(value)))
    if isinstance(value, Real):
        if not isfinite(value):
            raise ValueError(f"{value} is not a finite number")
        return Node(float(value), place, place, text=write_number(float(value)))
    if isinstance(value, (str, os.PathLike)):
        text = os.fspath(value)
        if not isinstance(text, str) or any("\ud800" <= c <= "\udfff" for c in text):
            raise ValueError(f"{text!r} is not text")
        return Node(str(text), place, place, text=str(text))
    if isinstance(value, Mapping):
        return Node({_key(key): from_python(item, place, depth + 1) for key, item in value.items()}, place, place)
    if isinstance(value, (list, tuple)):
        return Node([from_python(item, place, depth + 1) for item in value], place, place)
    raise ValueError(f"a {type(value).__name__} cannot stand in a recipe")


def _key(key: Any) -> str:
    if isinstance(key, tuple) and all(isinstance(k, str) for k in key):
        return ", ".join(key)
    if not isinstance(key, str):
        raise ValueError(f"the key {key!r} is not text")
    return key
