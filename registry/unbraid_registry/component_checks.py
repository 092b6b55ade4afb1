"""Checks of components, made when their plugin is loaded."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any, get_type_hints

import attrs

from unbraid_registry.component import KINDS, NETWORK_KINDS, Component, Mark
from unbraid_registry.discovery import Candidate
from unbraid_registry.errors import UnbraidError, closest


def make_component(target: Any, origin: Candidate) -> Component:
    """Check a marked function or class, and return its component.  Raises UnbraidError."""
    if not (inspect.isfunction(target) or inspect.isclass(target)):
        raise UnbraidError(f"{target!r} is neither a function nor a class", hint="Wrap it in a function.")
    mark, title = vars(target).get("__unbraid__"), title_of(target)
    if not isinstance(mark, Mark):
        raise UnbraidError(f"{title} is not marked as a component",
                           hint="Write the decorator of its kind above it, such as @loss or @encoder.")
    if mark.kind not in KINDS:
        raise UnbraidError(f"{title} is of the unknown kind {mark.kind!r}", hint=f"The kinds are {', '.join(KINDS)}.")
    if not mark.name.isidentifier():
        raise UnbraidError(f"{title} is called {mark.name!r}; a name is a Python identifier, without a dot",
                           hint=f'@{mark.kind}(name="...")')
    own = vars(target).get("__doc__") if inspect.isclass(target) else target.__doc__    # not the parent's
    if not (own or "").strip() and sys.flags.optimize < 2:          # python -OO drops all of them
        raise UnbraidError(f"{title} has no docstring",
                           hint="Say in one line what it is, with its source; then shapes and ranges.")
    if inspect.isclass(target):
        _check_class(target, mark.kind, title)
    else:
        _check_function(target, mark.kind, title)
    _check_annotations(target, title)
    component = Component(kind=mark.kind, name=mark.name, target=target, plugin=origin.name,
                          distribution=origin.distribution, version=origin.version, bundled=origin.bundled,
                          remembers=mark.remembers, sets=mark.sets, renamed=mark.renamed, formerly=mark.formerly,
                          better=_direction(target, mark, title))
    _check_former_names(component, title)
    return component


DIRECTIONS = ("higher", "lower", "neither")


def _direction(target: Any, mark: Mark, title: str) -> str:
    """Return which score of a metric is better, as its decorator or its result's field `score` declares it."""
    if mark.kind != "metric":
        if mark.better:
            raise UnbraidError(f"{title} is of kind {mark.kind} and says which score is better",
                               hint="`better` is for metrics: remove it.")
        return ""
    result = get_type_hints(target.__call__ if inspect.isclass(target) else target).get("return")
    score = attrs.fields_dict(result).get("score") if inspect.isclass(result) and attrs.has(result) else None
    declared = score.metadata.get("better", "") if score is not None else ""
    better = mark.better or declared
    if better not in DIRECTIONS or (mark.better and declared and mark.better != declared):
        what = (f"doesn't say which score is better: {better!r} is none of {', '.join(DIRECTIONS)}" if better and
                better not in DIRECTIONS else f"says {mark.better!r}, and its result's score {declared!r}" if better
                else "doesn't say which score is better")
        raise UnbraidError(f"the metric {title} {what}",
                           hint='Write @metric(better="higher"), "lower", or "neither" for what is no merit.')
    return better


def _check_former_names(component: Component, title: str) -> None:
    options = [o.name for o in component.options]
    for old, new in component.renamed.items():
        if new not in options:
            raise UnbraidError(f"{title} says that {old!r} is called {new!r} now, and has no option {new!r}",
                               hint=closest(new, options) or f"it has {', '.join(options) or 'none'}")
        if old in options:
            raise UnbraidError(f"{title} says that {old!r} is called {new!r} now, and still has the option {old!r}",
                               hint=f"Remove {old!r} from `renamed`, or from the options.")


def title_of(target: Any) -> str:
    """Return the name of a function or class as it stands in its module."""
    return getattr(target, "__qualname__", repr(target))


def _check_class(target: type, kind: str, title: str) -> None:
    if "__attrs_attrs__" not in vars(target):
        raise UnbraidError(f"{title} is not an attrs class, so it has no typed hyper-parameters",
                           hint=f"Write @attrs.frozen(kw_only=True) between @{kind} and the class.")
    needed = ("build",) if kind in NETWORK_KINDS else ("open",) if kind == "source" else ("__call__", "build")
    if not any(name in vars(cls) for cls in target.__mro__ for name in needed):
        signature = {"build": "build(self, context, *inputs)", "open": "open(self)", "__call__": "__call__(self, ...)"}
        raise UnbraidError(f"the {kind} {title} has no method {needed[0]}",
                           hint=f"Add: def {signature[needed[0]]}")
    if kind in NETWORK_KINDS and len(inspect.signature(target.build).parameters) < 2:  # type: ignore[attr-defined]
        raise UnbraidError(f"the {kind} {title} has a build without a context",
                           hint="Write: def build(self, context, *inputs)")


def _check_function(target: Callable[..., Any], kind: str, title: str) -> None:
    if kind in NETWORK_KINDS or kind == "source":
        method = "open(self)" if kind == "source" else "build(self, context, *inputs)"
        raise UnbraidError(f"the {kind} {title} is a function; expected an attrs class",
                           hint=f"Write an attrs class with def {method}")
    for p in inspect.signature(target).parameters.values():
        if p.kind is p.VAR_KEYWORD:
            raise UnbraidError(f"the {kind} {title} takes any keyword (**{p.name}), so no recipe could be checked",
                               hint="Name its hyper-parameters.")
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and isinstance(p.default, bool | int | float | str):
            raise UnbraidError(f"the {kind} {title} has the positional hyper-parameter {p.name!r}; values come by "
                               "position, hyper-parameters by keyword", hint=f"Write a * before {p.name}.")


def _check_annotations(target: Any, title: str) -> None:
    """Check that all annotations can be resolved.

    Unresolved ones would be dropped silently: types would not be checked, and a Gaussian would arrive as its mean.
    """
    try:
        get_type_hints(target)
    except Exception as e:
        raise UnbraidError(f"the annotations of {title} cannot be resolved: {e}",
                           hint="Import what they name at the top of the module, not for type checkers alone.") from e
