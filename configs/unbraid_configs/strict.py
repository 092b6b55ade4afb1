"""Trees into typed values, strictly: nothing is converted but a whole number into a float.

A cattrs converter whose input is nodes, so that every mistake knows its place. All mistakes are found at once.
"""

from __future__ import annotations

import collections.abc
import enum
import types
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin

import attrs
import cattrs

from unbraid_configs.mistakes import Mistake, closest
from unbraid_configs.recipe import Expression, Place
from unbraid_configs.scalars import write_number, write_scalar
from unbraid_configs.tree import Node


class Invalid(Exception):
    """What is wrong with a node.  No mistakes: they were told before, when the file was read."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        super().__init__()
        self.mistakes = list(mistakes)

    def under(self, key: str) -> list[Mistake]:
        """The mistakes as seen from the map above."""
        dots = {m: "." if m.path and m.path[0] != "[" else "" for m in self.mistakes}
        return [attrs.evolve(m, path=f"{key}{dots[m]}{m.path}") for m in self.mistakes]


def wrong(node: Node, message: str, hint: str = "", *, at_name: bool = False) -> Invalid:
    """One mistake in a node."""
    if node.style in ("broken", "cut"):
        return Invalid([])
    return Invalid([Mistake(node.name_place if at_name else node.place, "", message, hint)])


def describe(node: Node) -> str:
    """What was found, as messages say it."""
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
    """A type, as messages say it."""
    simple = {int: "a whole number", float: "a number", str: "text", bool: "true or false", Path: "a path",
              Expression: "an expression", type(None): "null", Any: "anything"}
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


LISTS = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Set)
MAPS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
Special = Callable[[Node], Any]


def strict_converter() -> cattrs.Converter:
    """A converter from nodes: `converter.structure(node, type)` raises Invalid."""
    converter = cattrs.Converter(detailed_validation=False)

    def structure(node: Node, type_: Any) -> Any:
        return converter.structure(node, type_)

    def predicate_hook(predicate: Callable[[Any], bool], hook: Callable[[Node, Any], Any]) -> None:
        converter.register_structure_hook_func(predicate, hook)

    for type_, hook in ((bool, _bool), (int, _int), (float, _float), (str, _str), (Path, _path),
                        (Expression, _expression)):
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


def _expression(node: Node, _: Any) -> Expression:
    value = node.value
    if node.style in ("|", ">"):
        raise wrong(node, f"an expression cannot be block text ({node.style})",
                    "write it plainly, over several lines if need be, or in quotes")
    if isinstance(value, str) and node.style != "broken":
        if not node.text.strip():
            raise wrong(node, "an expression is missing here")
        return Expression(node.text, node.text_place)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Expression(node.text or write_number(value), node.place)
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
    return type_(_literal(node, Literal[tuple(m.value for m in type_)]))  # type: ignore[misc]


def _list(node: Node, type_: Any, structure: Callable[[Node, Any], Any]) -> Any:
    """A list; a single scalar is taken as a list of one."""
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


def structure_entries(node: Node, structure: Callable[[str, Node], Any]) -> dict[str, Any]:
    """Every entry of a map, with all mistakes of all entries."""
    values: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    failed = False
    for key, item in node.items():
        try:
            values[key] = structure(key, item)
        except Invalid as invalid:
            failed = True
            mistakes += invalid.under(key)
    if failed:
        raise Invalid(mistakes)
    return values


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
    """Whether a list was given where a list is meant, a map where a map is."""
    origin = get_origin(type_) or type_
    if node.is_list:
        return origin in LISTS
    if node.is_map:
        return origin in MAPS or attrs.has(origin)
    return origin is Literal and isinstance(node.value, str)


def key_of(field: Any) -> str:
    """The key of an attrs field in a recipe: `from_` is `from`."""
    return field.alias.rstrip("_")


def structure_fields(node: Node, class_: type, structure: Callable[[Node, Any], Any],
                     special: dict[str, Special] | None = None, owner: str = "", **given: Any) -> Any:
    """An attrs object from a map: unknown and missing keys, every field, validators.

    special: fields with a structure of their own.  given: fields that do not come from the map.
    """
    if not node.is_map or node.style == "broken":
        raise wrong(node, f"expected a map, got {describe(node)}")
    attrs.resolve_types(class_)
    fields = {key_of(f): f for f in attrs.fields(class_) if f.init and f.type is not Place and f.alias not in given}
    values: dict[str, Any] = dict(given)
    mistakes = unknown_keys(node, fields, owner)
    failed = bool(mistakes)
    for key, field in fields.items():
        item = node.get(key)
        if item is None:
            if field.default is attrs.NOTHING:
                mistakes.append(Mistake(node.name_place, key, f"{key!r} is missing"))
                failed = True
            continue
        try:
            own = (special or {}).get(key) or partial(structure_as, field.type, structure)
            value = structure_option(item, field.type, field.default is not attrs.NOTHING, own)
            if value is not attrs.NOTHING:
                check_validator(item, field, value)
                values[field.alias] = value
        except Invalid as invalid:
            failed = True
            mistakes += invalid.under(key)
    if failed:
        raise Invalid(mistakes)
    if "place" in attrs.fields_dict(class_):
        values["place"] = node.name_place
    try:
        return class_(**values)
    except (ValueError, TypeError) as error:
        raise wrong(node, tidy(error), at_name=True) from None


def structure_as(type_: Any, structure: Callable[[Node, Any], Any], node: Node) -> Any:
    """The arguments of `structure` in an order for `partial`."""
    return structure(node, type_)


def structure_option(node: Node, type_: Any, has_default: bool, structure: Callable[[Node], Any]) -> Any:
    """A value; attrs.NOTHING where `null` asks for the default of something that cannot be null."""
    if node.is_missing:
        raise wrong(node, "nothing stands after the colon", "write a value, or remove the line", at_name=True)
    if node.is_null and has_default and not admits_null(type_):
        return attrs.NOTHING
    return structure(node)


def admits_null(type_: Any) -> bool:
    """Whether null is a value of the type."""
    return type_ is Any or type_ is type(None) or type(None) in get_args(type_) or None in get_args(type_)


def unknown_keys(node: Node, known: Iterable[str], owner: str = "") -> list[Mistake]:
    """A mistake for every key that is not known, with the closest one that is not there already."""
    known = list(known)
    found = []
    for key, item in node.items():
        if key not in known:
            hint = closest(key, [k for k in known if k not in node.value]) or closest(key, known)
            if not hint:
                hint = f"there is {', '.join(known)}" if known else "there are none"
            found.append(Mistake(item.name_place, key, f"unknown {'option' if owner else 'key'} {key!r}"
                                 f"{f' of {owner}' if owner else ''}", hint))
    return found


def check_validator(node: Node, field: Any, value: Any) -> None:
    """Run a field's validator.  One that needs the other fields is left to the class."""
    if not field.validator or getattr(field, "converter", None):
        return
    try:
        field.validator(None, field, value)
    except (ValueError, TypeError) as error:
        raise wrong(node, tidy(error, field.name)) from None
    except Exception:
        return


def tidy(error: Exception, name: str = "") -> str:
    """attrs's message without the name that the path tells anyhow: `must be >= 1, got 0`."""
    message = str(error.args[0] if error.args else error).removeprefix(f"'{name}' ")
    head, colon, got = message.rpartition(": ")
    return f"{head}, got {got}" if colon and head.startswith("must be") else message or type(error).__name__
