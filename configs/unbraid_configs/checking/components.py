"""Components of a recipe: `type:` names one of the catalog, all other keys are its options."""

from __future__ import annotations

import enum
import warnings
from collections.abc import Callable
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

import attrs

from unbraid_configs import Mistake, Network, Place, Spec
from unbraid_configs.checking.fields import check_validator, structure_as, structure_option, tidy, unknown_keys
from unbraid_configs.checking.invalid import Invalid, wrong
from unbraid_configs.checking.wording import describe
from unbraid_configs.reading import Node, from_python
from unbraid_configs.variables import PathText
from unbraid_registry import NETWORK_KINDS, Absent, Component, Option, UnbraidError, closest, fault_of, missing

Structure = Callable[[Node, Any], Any]
RESERVED = ("type", "code", "image", "from", "freeze")           # keys of a network that are not options
AVERAGE = "average"


class Finds(Protocol):
    """The part of a catalog that recipes need."""

    def find(self, name: str, kind: Any = None) -> Component:
        """Return the component of this name and kind; raise UnbraidError where it is missing."""
        ...


def structure_spec(node: Node, kind: str | tuple[str, ...], catalog: Finds, structure: Structure,
                   reserved: tuple[str, ...] = ("type",)) -> Spec:
    """Read a component with its options, and check them.  Raises Invalid."""
    noun = "network" if kind == NETWORK_KINDS else kind
    if not node.is_map or node.style == "broken":
        hint = f"write {{type: {node.value}}}" if isinstance(node.value, str) else ""
        raise wrong(node, f"expected a map with the `type` of a {noun}, got {describe(node)}", hint)
    chosen = node.get("type")
    if chosen is None:
        raise Invalid([missing_key(node, "type", f"all: unbraid list {noun}")])
    try:
        name = structure(chosen, str)
        component = catalog.find(name, kind)
    except Invalid as invalid:
        raise Invalid(invalid.under("type")) from None
    except UnbraidError as error:
        raise Invalid([Mistake(chosen.place, "type", error.message, error.hint)]) from None
    given = node.with_value({key: item for key, item in node.items() if key not in reserved})
    if component.absent:
        return Spec(component=component, value=Absent(missing(component)), options=given.plain(), place=chosen.place)
    note_former_name(chosen.place, name, component)
    given = with_present_names(given, component)
    value, options = structure_options(given, component, structure)
    return Spec(component=component, value=value, options=options, place=chosen.place)


def with_present_names(node: Node, component: Component) -> Node:
    """Return the options by their present names.  Of a former and a present name, the one that was given last counts.

    `null` takes out an option that the component no longer has.
    """
    known = [option.name for option in component.options]
    entries: dict[str, Node] = {}
    for key, item in node.items():
        name = component.present(key)
        if name != key:
            note(item.name_place, f"the option {key!r} of {component.full_name} is called {name!r} now")
            item = attrs.evolve(item, key=item.name_place)
        if name in known or not item.is_null or item.is_missing:
            entries.pop(name, None)
            entries[name] = item
    return node.with_value(entries)


def note_former_name(place: Place, name: str, component: Component) -> None:
    """Tell the reader where a recipe calls a component by a former name."""
    if name.rpartition(".")[2] in component.formerly:
        note(place, f"{name!r} is called {component.full_name!r} now")


def note(place: Place, text: str) -> None:
    """Tell the reader of a recipe something that is no mistake, once."""
    warnings.warn(f"{place}  {text}", stacklevel=3)


def missing_key(node: Node, key: str, hint: str) -> Mistake:
    """Return the mistake for a missing key, placed at the most similar key where there is one."""
    near = next((k for k in node.value if closest(key, [k])), None)
    if near:
        return Mistake(node.value[near].name_place, key, f"{key!r} is missing", f"is {near!r} meant to be {key!r}?")
    return Mistake(node.name_place, key, f"{key!r} is missing", hint)


def structure_options(node: Node, component: Component, structure: Structure) -> tuple[Any, dict[str, Any]]:
    """Return a component's attrs object (or keyword arguments), and its options in plain form, defaults included."""
    options = {option.name: option for option in component.options}
    class_: Any = component.target
    validated = {f.alias: f for f in attrs.fields(class_)} if component.is_class else {}
    values: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    mistakes = unknown_keys(node, options, component.full_name)
    failed = bool(mistakes)

    def default(option: Option) -> None:
        written = plain_default(option, structure)
        plain.update(written)
        if written and not component.is_class:
            values[option.name] = option.default

    for key, option in options.items():
        item = node.get(key)
        if item is None:
            if option.required:
                failed = True
                mistakes.append(Mistake(node.name_place, key, f"{component.full_name} needs the option {key!r}"))
            default(option)
            continue
        try:
            value = structure_option(item, option.type, not option.required,
                                     partial(_structure_one, option, structure))
            if value is attrs.NOTHING:
                default(option)
                continue
            if key in validated:
                check_validator(item, validated[key], value)
            values[key] = value
            plain[key] = item.plain()
        except Invalid as invalid:
            failed = True
            mistakes += invalid.under(key)
    if failed:
        raise Invalid(mistakes)
    try:
        return component.target(**values) if component.is_class else values, plain
    except (ValueError, TypeError) as error:        # a plugin's own checks
        raise wrong(node, tidy(error), f"see {component.full_name}", at_name=True) from None
    except Exception as error:                      # a fault of it
        text = f"{component.full_name}: {fault_of(error, component)}"
        raise Invalid([Mistake(node.name_place, "", text, cause=error)]) from None


def _structure_one(option: Option, structure: Structure, node: Node) -> Any:
    if isinstance(node.value, PathText):
        node = node.with_value(node.value.replaced())
    try:
        return structure(node, option.type)
    except Invalid:
        raise
    except Exception as error:                      # a type that cattrs does not know
        raise wrong(node, f"an option of type {option.type!r} cannot be given in a recipe ({error})") from None


def plain_default(option: Option, structure: Structure) -> dict[str, Any]:
    """Return {name: default} with the default in plain form; empty where that does not read back as the same value."""
    default = option.default
    if isinstance(default, attrs.Factory):          # type: ignore[arg-type]
        default = default.factory() if not default.takes_self else attrs.NOTHING
    try:
        plain = plain_value(default)
        node = from_python(plain)
        return {option.name: plain} if plain is not None and structure(node, option.type) == default else {}
    except (Invalid, ValueError, TypeError, UnbraidError):
        return {}
    except Exception:                               # a type that cattrs does not know
        return {}


def plain_value(value: Any) -> Any:
    """Return a typed value in YAML's own types.  Raises ValueError where it has no such form."""
    if value is None or (isinstance(value, (bool, int, str)) and not isinstance(value, enum.Enum)):
        return value
    if isinstance(value, enum.Enum):
        return plain_value(value.value)
    if isinstance(value, float) and isfinite(value):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain_value(v) for v in value]
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return {k: plain_value(v) for k, v in value.items()}
    raise ValueError(f"{value!r} has no plain form")


def structure_network(node: Node, catalog: Finds, structure: Structure) -> Network:
    """Read a network: a component, an EMA of another network, or a whole network of a run."""
    chosen = node.get("type")
    if chosen and chosen.value == AVERAGE:
        return _average(node, structure)
    mistakes: list[Mistake] = []
    failed = False
    own: dict[str, Any] = {}
    for key, type_ in (("code", tuple[str, ...] | None), ("image", str | None), ("from", str | None), ("freeze", bool)):
        item = node.get(key)
        try:
            if item is not None:
                value = structure_option(item, type_, True, partial(structure_as, type_, structure))
                own |= {} if value is attrs.NOTHING else {key: value}
        except Invalid as invalid:
            failed = True
            mistakes += invalid.under(key)
    spec = None
    if chosen is None and own.get("from"):
        rest = node.with_value({k: n for k, n in node.items() if k not in RESERVED})
        hint = "a network taken whole from a run has no options; give its `type` to set some"
        mistakes += [attrs.evolve(m, hint=hint) for m in unknown_keys(rest, RESERVED)]
    else:
        try:
            spec = structure_spec(node, NETWORK_KINDS, catalog, structure, RESERVED)
        except Invalid as invalid:
            failed = True
            mistakes += invalid.mistakes
    if failed or mistakes:
        raise Invalid(mistakes)
    return Network(spec=spec, code=own.get("code"), image=own.get("image"), from_=own.get("from"),
                   freeze=own.get("freeze", False), place=node.name_place)


def _average(node: Node, structure: Structure) -> Network:
    mistakes = unknown_keys(node, ("type", "of", "decay"))
    failed = bool(mistakes)
    values: dict[str, Any] = {}
    if node.get("of") is None:
        failed = True
        mistakes.append(Mistake(node.name_place, "of", "'of' is missing", "name the network that is averaged"))
    for key, type_ in (("of", str), ("decay", float)):
        item = node.get(key)
        try:
            if item is not None:
                values[key] = structure(item, type_)
                if key == "decay" and not 0 <= values[key] < 1:
                    raise wrong(item, f"must be at least 0 and less than 1, got {describe(item)}")
        except Invalid as invalid:
            failed = True
            mistakes += invalid.under(key)
    if failed:
        raise Invalid(mistakes)
    return Network(average_of=values["of"], decay=values.get("decay", 0.999), place=node.name_place)
