"""Wording of types and values in messages."""

from __future__ import annotations

import collections.abc
import enum
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import attrs

from unbraid_configs.expressions import Condition, Expression
from unbraid_configs.reading import Node, write_scalar

LISTS = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Set)
MAPS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def describe(node: Node) -> str:
    """Return a node's value as messages name it."""
    if node.is_map:
        return "a map"
    if node.is_list:
        return "a list"
    if node.is_missing:
        return "nothing"
    if isinstance(node.value, str):
        text = node.value if len(node.value) <= 40 else f"{node.value[:37]}..."
        return f"the text {text!r}"
    return node.text or write_scalar(node.value)


def words(type_: Any) -> str:
    """Return a type as messages name it."""
    simple = {int: "a whole number", float: "a number", str: "text", bool: "true or false", Path: "a path",
              Expression: "an expression", Condition: "an expression",
              type(None): "null", Any: "anything"}
    if type_ in simple:
        return simple[type_]
    origin, args = get_origin(type_), get_args(type_)
    if origin is Annotated:
        return words(args[0])
    if origin is Literal:
        return _one_of(args)
    if origin in (Union, types.UnionType):
        return " or ".join(words(a) for a in args)
    if origin is tuple and args[-1:] != (...,):
        return f"a list of {len(args)}: {', '.join(map(words, args))}"
    if origin in LISTS:
        return f"a list of {_plural(words(args[0]) if args else 'anything')}"
    if origin in MAPS or type_ is dict or attrs.has(origin or type_):
        return "a map"
    if isinstance(type_, type) and issubclass(type_, enum.Enum):
        return _one_of([m.value for m in type_])
    return getattr(type_, "__name__", str(type_))


def _one_of(choices: Sequence[Any]) -> str:
    names = [repr(c) for c in choices]
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _plural(noun: str) -> str:
    return {"a whole number": "whole numbers", "a number": "numbers", "text": "texts"}.get(noun, noun)
