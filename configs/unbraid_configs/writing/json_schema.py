"""The JSON schema of a recipe with everything that is installed, for editors."""

from __future__ import annotations

import enum
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from unbraid_configs import Draw, Factor, Place, Recipe
from unbraid_configs.checking import AVERAGE, LISTS, MAPS, PATTERN, RESERVED, key_of, plain_value
from unbraid_configs.expressions import Condition, Expression
from unbraid_registry import NETWORK_KINDS, Catalog, Option

JSON = dict[str, Any]
NAME = r"[^\W\d]\w*"
NAMES = rf"^\s*\(?\s*{NAME}(\s*,\s*{NAME})*\s*\)?\s*$"
SIGNATURE = rf"^\s*{NAME}\s*(\(\s*({NAME}(\s*,\s*{NAME})*)?\s*\))?\s*$"
VARIABLE = r"\$\{[^{}]+\}"
WHOLE: JSON = {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^[-+]?[0-9]+(_[0-9]+)+$"}]}
EXPRESSION: JSON = {"type": ["string", "number"]}
FACTOR: JSON = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": f"^{PATTERN}$"}]}
NULL: JSON = {"type": "null"}


def recipe_schema(catalog: Catalog | None = None) -> JSON:
    """Return the JSON schema, draft 2020-12.  Keys that a child recipe leaves to its base are not required."""
    if catalog is None:
        from unbraid_registry import registry

        catalog = registry().catalog
    schema = _object(Recipe, leave_out=("tree",))
    schema["properties"] |= {"base": {"type": "string", "description": "one parent: a path or the name of a recipe"}}
    data = schema["properties"]["data"]
    data["properties"] |= {"source": {"$ref": "#/$defs/source"}}
    schema["required"] = []
    schema["anyOf"] = [{"required": ["data"]}, {"required": ["base"]}]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Unbraid recipe",
        **schema,
        "$defs": {"network": _networks(catalog), "source": _sources(catalog)},
    }


def _object(class_: type, leave_out: tuple[str, ...] = ()) -> JSON:
    attrs.resolve_types(class_)
    fields = [f for f in attrs.fields(class_) if f.type is not Place and f.name not in leave_out]
    properties = {key_of(f): {**_field(class_, f), **_default(f)} for f in fields}
    return {"type": "object", "description": _summary(class_), "properties": properties,
            "additionalProperties": False}


def _field(class_: type, field: Any) -> JSON:
    match class_.__name__, field.name:
        case "Recipe", "flow":
            return _named(EXPRESSION, NAMES)
        case "Recipe", "networks":
            return _named({"$ref": "#/$defs/network"}, NAMES)
        case "Recipe", "functions":
            return _named(EXPRESSION, SIGNATURE)
        case "Player", "from_step" | "until_step":
            return {"anyOf": [WHOLE, NULL, {"type": "string", "pattern": f"^{NAME}$"}]}
        case "Data", "sources":
            return _named({"$ref": "#/$defs/source"})
        case "Data", "draw":
            return _named(_object(Draw), NAMES)
    return type_schema(field.type)


def _named(value: JSON, pattern: str = "") -> JSON:
    """Return the schema of a map of named things, where null removes one of the base's."""
    names = {"propertyNames": {"pattern": pattern}} if pattern else {}
    return {"type": ["object", "null"], "additionalProperties": {"anyOf": [value, NULL]}, **names}


def _default(field: Any) -> JSON:
    default = field.default
    if default is attrs.NOTHING or isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return {}
    try:
        return {"default": plain_value(default.text if isinstance(default, Expression) else default)}
    except ValueError:
        return {}


def _summary(thing: Any) -> str:
    return (thing.__doc__ or "").partition("\n")[0]


def type_schema(type_: Any) -> JSON:
    """Return the schema of a type; for an unknown type, the schema that allows everything."""
    origin, args = get_origin(type_), get_args(type_)
    simple = {bool: {"type": "boolean"}, str: {"type": "string"}, Path: {"type": "string"}, float: {"type": "number"},
              int: WHOLE, Expression: EXPRESSION, Condition: EXPRESSION, type(None): NULL, Factor: FACTOR}
    if isinstance(type_, type) and type_ in simple:
        return simple[type_]
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [type_schema(arg) for arg in args]}
    if origin is tuple and args and args[-1] is not ...:
        return {"type": "array", "prefixItems": [type_schema(a) for a in args], "minItems": len(args), "items": False}
    if origin in LISTS:
        item = type_schema(args[0]) if args else {}
        return {"anyOf": [{"type": "array", "items": item}, item]}
    if origin in MAPS:
        return _named(type_schema(args[1]) if args else {})
    if isinstance(type_, type) and issubclass(type_, enum.Enum):
        return {"enum": [member.value for member in type_]}
    if isinstance(type_, type) and attrs.has(type_):
        return _object(type_)
    return {}


def _networks(catalog: Catalog) -> JSON:
    own: JSON = {
        "code": {**type_schema(tuple[str, ...] | None), "description": "the factors that it makes; default: all"},
        "image": {"type": "string", "description": "the draw whose image it makes, where draws differ"},
        "from": {"type": "string", "description": "the run and network that its weights come from: RUN#network"},
        "freeze": {"type": "boolean", "description": "never trained"},
    }
    assert set(own) | {"type"} == set(RESERVED)
    average = _choice([AVERAGE], {"of": {"type": "string"}, "decay": {"type": "number"}},
                      "Follows another network: an exponential moving average of its weights.")
    return _chosen(catalog, NETWORK_KINDS, own, {AVERAGE: average})


def _sources(catalog: Catalog) -> JSON:
    return _chosen(catalog, ("source",), {}, {})


def _chosen(catalog: Catalog, kinds: tuple[str, ...], own: JSON, more: dict[str, JSON]) -> JSON:
    """Return the schema of a block whose `type` decides which options it may have."""
    components = catalog.all(kinds)
    names = {component.full_name: [component.full_name] for component in components}
    for component in components:
        bare = [c for c in components if c.bundled and c.name == component.name]
        if bare == [component]:
            names[component.full_name].append(component.name)
    choices = [*more.values(), *(
        _choice(names[c.full_name], {o.name: _option(o) for o in c.options} | own, c.summary) for c in components)]
    return {"type": "object",
            "properties": {"type": {"enum": [*more, *(name for both in names.values() for name in both)]}, **own},
            "allOf": choices}


def _choice(names: list[str], properties: JSON, summary: str) -> JSON:
    return {"if": {"properties": {"type": {"enum": names}}, "required": ["type"]},
            "then": {"description": summary, "additionalProperties": False, "properties": {"type": True, **properties}}}


def _option(option: Option) -> JSON:
    return {**type_schema(option.type), **_default(option)}
