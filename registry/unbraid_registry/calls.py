"""Checks of calls of components: the number of values, and the options with their declared types."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from unbraid_registry.component import FILLED, Component
from unbraid_registry.errors import closest


def called_function(component: Component) -> Callable[..., Any]:
    """Return the function that is called with values: the component itself, or the `__call__` of its class."""
    return component.target.__call__ if component.is_class else component.target  # type: ignore[operator]


def inputs_of(component: Component) -> list[inspect.Parameter]:
    """Return the parameters of a component that take values by position, with resolved annotations."""
    if not component.is_class:
        return list(component.inputs)
    hints = inspect.get_annotations(called_function(component), eval_str=True)
    parameters = list(inspect.signature(called_function(component)).parameters.values())[1:]
    return [p.replace(annotation=hints.get(p.name, p.empty)) for p in parameters if p.kind is not p.KEYWORD_ONLY]


def filled_by(component: Component) -> frozenset[str]:
    """Return those of `random` and `layout` that are parameters of a component."""
    return frozenset(inspect.signature(called_function(component)).parameters) & frozenset(FILLED)


def check_call(component: Component, count: int, options: Sequence[str]) -> None:
    """Refuse a call with the wrong number of values or with unknown or missing options.  Raises ValueError."""
    if component.absent:
        return
    inputs = inputs_of(component)
    signature = f"{component.name}({', '.join(p.name for p in inputs)})"
    least = sum(p.default is p.empty and p.kind is not p.VAR_POSITIONAL for p in inputs)
    most = None if any(p.kind is p.VAR_POSITIONAL for p in inputs) else len(inputs)
    if count < least or (most is not None and count > most):
        raise ValueError(f"{signature} is called with {count} value{'s' * (count != 1)}")
    known = [o.name for o in component.options]
    options = [component.present(name) for name in options]
    for name in options:
        if name not in known:
            near = closest(name, known)
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise ValueError(f"{component.name} has no option {name!r}; {near or has}")
    missing = [o.name for o in component.options if o.required and o.name not in options]
    if missing:
        raise ValueError(f"{component.name} needs the option {', '.join(missing)}: {component.name}(..., "
                         f"{missing[0]}=...)")


def option_value(component: Component, name: str, given: Any) -> Any:
    """Return the value of an option, converted to its declared type.  Raises ValueError where it does not fit."""
    if component.absent:
        return given
    declared = next(o for o in component.options if o.name == component.present(name))
    value = _as_type(given, declared.type)
    if value is None:
        raise ValueError(f"the option {name!r} of {component.name}: expected {_type_name(declared.type)}, "
                         f"got {given!r}")
    return value


def _as_type(given: Any, wanted: Any) -> Any:
    """Return the given value as the wanted type, or None where it does not fit."""
    if get_origin(wanted) in (Union, types.UnionType):
        for choice in get_args(wanted):
            if (value := _as_type(given, choice)) is not None:
                return value
        return None
    if get_origin(wanted) is Literal:
        return given if given in get_args(wanted) else None
    if wanted is bool or wanted is str:
        return given if isinstance(given, wanted) else None
    if isinstance(given, bool):
        return given if wanted is Any else None
    if wanted is int:
        return int(given) if isinstance(given, int | float) and given == int(given) else None
    if wanted is float:
        return float(given) if isinstance(given, int | float) else None
    return given if wanted in (Any, object, inspect.Parameter.empty) else None


def _type_name(wanted: Any) -> str:
    if get_origin(wanted) is Literal:
        return "one of " + ", ".join(map(repr, get_args(wanted)))
    if get_origin(wanted) in (Union, types.UnionType):
        return " or ".join(_type_name(c) for c in get_args(wanted) if c is not type(None))
    return getattr(wanted, "__name__", str(wanted))
