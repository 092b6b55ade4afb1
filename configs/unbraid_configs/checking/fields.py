"""Conversion of a map into an attrs object: its keys, its fields and their validators."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar, get_args

import attrs

from unbraid_configs import Mistake, Place
from unbraid_configs.checking.invalid import Invalid, wrong
from unbraid_configs.checking.wording import describe
from unbraid_configs.reading import Node
from unbraid_registry import closest

A = TypeVar("A", bound=attrs.AttrsInstance)
Special = Callable[[Node], Any]


def structure_entries(node: Node, structure: Callable[[str, Node], Any]) -> dict[str, Any]:
    """Convert every entry of a map.  Raises Invalid with the mistakes of all entries."""
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


def key_of(field: Any) -> str:
    """Return the key of an attrs field in a recipe: `from` for `from_`."""
    return str(field.alias).rstrip("_")


def structure_fields(node: Node, class_: type[A], structure: Callable[[Node, Any], Any],
                     special: dict[str, Special] | None = None, owner: str = "", **given: Any) -> A:
    """Convert a map into an attrs object: check for unknown and missing keys, convert every field, run the validators.

    special: conversions of single fields, by key.  given: values of fields that do not come from the map.
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
    """Call `structure` with its arguments in an order for `partial`."""
    return structure(node, type_)


def structure_option(node: Node, type_: Any, has_default: bool, structure: Callable[[Node], Any]) -> Any:
    """Convert a value; return attrs.NOTHING where `null` asks for the default of a type that excludes null."""
    if node.is_missing:
        raise wrong(node, "nothing stands after the colon", "write a value, or remove the line", at_name=True)
    if node.is_null and has_default and not admits_null(type_):
        return attrs.NOTHING
    return structure(node)


def admits_null(type_: Any) -> bool:
    """Whether null is a value of the type."""
    return type_ is Any or type_ is type(None) or type(None) in get_args(type_) or None in get_args(type_)


def unknown_keys(node: Node, known: Iterable[str], owner: str = "") -> list[Mistake]:
    """Return a mistake for every unknown key, with the closest known key that is not there already."""
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
    """Run a field's validator.  A validator that needs the other fields is left to the class."""
    if not field.validator or getattr(field, "converter", None):
        return
    try:
        field.validator(None, field, value)
    except (ValueError, TypeError) as error:
        raise wrong(node, tidy(error, field.name)) from None
    except Exception:
        return


def tidy(error: Exception, name: str = "") -> str:
    """Return attrs's message without the field's name, which the path shows: `must be >= 1, got 0`."""
    message = str(error.args[0] if error.args else error).removeprefix(f"'{name}' ")
    head, colon, got = message.rpartition(": ")
    return f"{head}, got {got}" if colon and head.startswith("must be") else message or type(error).__name__
