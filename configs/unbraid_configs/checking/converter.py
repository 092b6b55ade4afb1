"""Strict conversion of trees into typed values.

It is a cattrs converter of nodes, so that every mistake knows its place. All mistakes are found at once. Only a whole
number becomes a float, a number an expression, and a single value a list of one.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin

import attrs
import cattrs

from unbraid_configs import Place, RecipeError
from unbraid_configs.checking.fields import structure_entries, structure_fields
from unbraid_configs.checking.invalid import Invalid, wrong
from unbraid_configs.checking.wording import LISTS, MAPS, describe, words
from unbraid_configs.expressions import Condition, Expression
from unbraid_configs.reading import Node, write_number
from unbraid_registry import closest


def strict_converter() -> cattrs.Converter:
    """Return a converter of nodes: `converter.structure(node, type)` raises Invalid."""
    converter = cattrs.Converter(detailed_validation=False)

    def structure(node: Node, type_: Any) -> Any:
        return converter.structure(node, type_)

    def predicate_hook(predicate: Callable[[Any], bool], hook: Callable[[Node, Any], Any]) -> None:
        converter.register_structure_hook_func(predicate, hook)

    for type_, hook in ((bool, _bool), (int, _int), (float, _float), (str, _str), (Path, _path),
                        (Expression, read_expression), (Condition, read_expression)):
        converter.register_structure_hook(type_, hook)
    predicate_hook(lambda t: t is Any, lambda node, _: _plain(node))
    predicate_hook(lambda t: t in LISTS or get_origin(t) in LISTS, lambda node, t: _list(node, t, structure))
    predicate_hook(lambda t: t in MAPS or get_origin(t) in MAPS, lambda node, t: _map(node, t, structure))
    predicate_hook(lambda t: get_origin(t) is Literal, _literal)
    predicate_hook(lambda t: isinstance(t, type) and issubclass(t, enum.Enum), _enum)
    predicate_hook(lambda t: get_origin(t) in (Union, types.UnionType), lambda node, t: _union(node, t, structure))
    predicate_hook(lambda t: get_origin(t) is Annotated, lambda node, t: structure(node, get_args(t)[0]))
    predicate_hook(lambda t: isinstance(t, NewType), lambda node, t: structure(node, t.__supertype__))
    predicate_hook(lambda t: isinstance(t, type) and attrs.has(t),
                   lambda node, t: structure_fields(node, t, structure))
    return converter


def _bool(node: Node, _: Any) -> bool:
    if isinstance(node.value, bool):
        return node.value
    yes_no = isinstance(node.value, str) and node.value.lower() in ("yes", "no", "on", "off", "true", "false", "y", "n")
    raise wrong(node, f"expected true or false, got {describe(node)}",
                f"write {'true' if node.value.lower() in ('yes', 'on', 'true', 'y') else 'false'}, without quotes"
                if yes_no else "")


def _int(node: Node, _: Any) -> int:
    value = node.value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    hint = ""
    if isinstance(value, float) and value.is_integer():
        hint = f"write {int(value)}"
    elif isinstance(value, str) and value.replace("_", "").isdecimal():
        hint = "write it without quotes" if node.style in ("'", '"') else "it is text here; a number is needed"
    raise wrong(node, f"expected a whole number, got {describe(node)}", hint)


def _float(node: Node, _: Any) -> float:
    if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        try:
            return float(node.value)
        except OverflowError:
            raise wrong(node, f"{describe(node)} is too large for a number") from None
    hint = "write it without quotes" if node.style in ("'", '"') and _is_number(node.text) else ""
    raise wrong(node, f"expected a number, got {describe(node)}", hint)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _str(node: Node, _: Any) -> str:
    if isinstance(node.value, str) and node.style != "broken":
        return node.value
    scalar = not (node.is_map or node.is_list or node.is_null)
    hint = "put it in quotes" if scalar else "put text with a colon in quotes" if node.is_map else ""
    raise wrong(node, f"expected text, got {describe(node)}", hint)


def _path(node: Node, _: Any) -> Path:
    return Path(_str(node, str))


def read_expression(node: Node, type_: type[Expression]) -> Expression:
    """Read the expression of a node.  Raises Invalid."""
    def read(text: str, place: Place) -> Expression:
        try:
            return type_(text, place)
        except RecipeError as error:
            raise Invalid(error.mistakes) from None

    value = node.value
    if node.style in ("|", ">"):
        raise wrong(node, f"an expression cannot be block text ({node.style})",
                    "write it plainly, over several lines if need be, or in quotes")
    if isinstance(value, str) and node.style != "broken":
        if not node.text.strip():
            raise wrong(node, "an expression is missing here")
        return read(node.text, node.text_place)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return read(node.text or write_number(value), node.place)
    hint = ""
    if node.is_list:
        hint = "a value that begins with `- ` or [ is a list to YAML; put an expression in quotes"
    elif node.is_map:
        hint = "a value that begins with { or holds `: ` is a map to YAML; put an expression in quotes"
    raise wrong(node, f"expected an expression, got {describe(node)}", hint)


def _plain(node: Node) -> Any:
    if any(n.style == "broken" for _, n in node.walk()):
        raise Invalid([])
    return node.plain()


def _literal(node: Node, type_: Any) -> Any:
    choices = get_args(type_)
    for choice in choices:
        if choice == node.value and type(choice) is type(node.value):
            return choice
    near = closest(node.value, choices) if isinstance(node.value, str) else ""
    raise wrong(node, f"expected {words(type_)}, got {describe(node)}", near)


def _enum(node: Node, type_: Any) -> Any:
    return type_(_literal(node, Literal[tuple(m.value for m in type_)]))


def _list(node: Node, type_: Any, structure: Callable[[Node, Any], Any]) -> Any:
    """Read a list; a single scalar counts as a list of one."""
    origin, args = get_origin(type_) or type_, get_args(type_)
    make: Any = origin if origin in (list, set, frozenset) else tuple
    if node.is_null or node.is_map or node.style == "broken":
        raise wrong(node, f"expected {words(type_)}, got {describe(node)}")
    items = node.value if node.is_list else [node]
    if origin is tuple and args and args[-1] is not ...:
        if len(items) != len(args) or not node.is_list:
            got = f"a list of {len(items)}" if node.is_list else describe(node)
            raise wrong(node, f"expected {words(type_)}, got {got}")
        item_types: tuple[Any, ...] = args
    else:
        item_types = (args[0] if args else Any,) * len(items)
    values, mistakes = [], []
    for index, (item, item_type) in enumerate(zip(items, item_types, strict=True)):
        try:
            values.append(structure(item, item_type))
        except Invalid as invalid:
            mistakes.append(Invalid(invalid.under(f"[{index}]") if node.is_list else invalid.mistakes))
    if mistakes:
        raise Invalid([m for invalid in mistakes for m in invalid.mistakes])
    return make(values)


def _map(node: Node, type_: Any, structure: Callable[[Node, Any], Any]) -> dict[str, Any]:
    args = get_args(type_)
    if not node.is_map or node.style == "broken":
        raise wrong(node, f"expected a map, got {describe(node)}", "write `name: value` below it")
    return structure_entries(node, lambda _, item: structure(item, args[1] if args else Any))


def _union(node: Node, type_: Any, structure: Callable[[Node, Any], Any]) -> Any:
    arms = list(get_args(type_))
    if type(None) in arms and node.is_null and not node.is_missing:
        return None
    arms = [arm for arm in arms if arm is not type(None)]
    if isinstance(node.value, int) and int in arms:             # before float, which takes whole numbers too
        arms.sort(key=lambda arm: arm is not int)
    failures = []
    for arm in arms:
        try:
            return structure(node, arm)
        except Invalid as invalid:
            failures.append(invalid)
    near = [f for arm, f in zip(arms, failures, strict=True) if _same_form(node, arm)]
    if len(failures) == 1 or len(near) == 1:
        raise (near or failures)[0]
    raise wrong(node, f"expected {words(type_)}, got {describe(node)}")


def _same_form(node: Node, type_: Any) -> bool:
    """Whether a node has the form of a type: a list for a list, a map for a map, a text for a choice."""
    origin = get_origin(type_) or type_
    if node.is_list:
        return origin in LISTS
    if node.is_map:
        return origin in MAPS or attrs.has(origin)
    return origin is Literal and isinstance(node.value, str)
