"""Forms of JSON files that may be anything: an error names the field that has another form, by its path."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs

DEEPEST = 20                                       # of what has no form
LARGEST = 1e100                                    # of numbers that are measured
LONGEST_NAME = 300                                 # characters of a key


@attrs.frozen
class Each:
    """A map from names to values of one form, with a largest number of entries."""

    form: Form
    most: int = 10_000


@attrs.frozen
class Listed:
    """A list of values of one form, with a largest number of entries."""

    form: Form
    most: int = 100_000


@attrs.frozen
class Maybe:
    """A value of a form, or null."""

    form: Form


@attrs.frozen
class Fields:
    """A map with these fields, others of any form, and those that must be there."""

    forms: Mapping[str, Form]
    needed: tuple[str, ...] = ()


@attrs.frozen
class Anything:
    """Any value that is not nested too deeply."""


Form: TypeAlias = "type | Each | Listed | Maybe | Fields | Anything"
_NAMES = {str: "a text", int: "a whole number", float: "a number", dict: "a map", list: "a list", bool: "true or false"}


def check(value: Any, form: Form, path: str = "") -> None:
    """Check a value against a form.

    Raises ValueError, with the path: `factors.x is a map, expected a whole number`.
    """
    if isinstance(form, Maybe):
        if value is not None:
            check(value, form.form, path)
    elif isinstance(form, Each | Fields):
        _expect(isinstance(value, dict), value, "a map", path)
        if isinstance(form, Fields) and (missing := [name for name in form.needed if name not in value]):
            raise ValueError(f"{path or 'it'} has no {missing[0]}")
        if len(value) > (most := form.most if isinstance(form, Each) else 1000):
            raise ValueError(f"{path or 'it'} has {len(value):,} entries, more than {most:,}")
        for name, item in value.items():
            if len(name) > LONGEST_NAME:
                raise ValueError(f"{path or 'it'} has a name of {len(name):,} characters")
            own = form.form if isinstance(form, Each) else form.forms.get(name, Anything())
            check(item, own, f"{path}.{name}" if path else name)
    elif isinstance(form, Listed):
        _expect(isinstance(value, list), value, "a list", path)
        if len(value) > form.most:
            raise ValueError(f"{path} has {len(value):,} entries, more than {form.most:,}")
        for number, item in enumerate(value):
            check(item, form.form, f"{path}[{number}]")
    elif isinstance(form, Anything):
        _expect_shallow(value, path)
    elif form is float:
        _expect(isinstance(value, int | float) and not isinstance(value, bool), value, _NAMES[float], path)
        if math.isfinite(value) and abs(value) > LARGEST:
            raise ValueError(f"{path} is {value:.0e}, which nothing measures")
    elif form is int:
        _expect(isinstance(value, int) and not isinstance(value, bool), value, _NAMES[int], path)
    else:
        _expect(isinstance(value, form), value, _NAMES[form], path)


def _expect(good: bool, value: Any, expected: str, path: str) -> None:
    if not good:
        found = "null" if value is None else next(name for kind, name in _NAMES.items() if type(value) is kind)
        if isinstance(value, float) and not math.isfinite(value):
            found = str(value)
        raise ValueError(f"{path or 'it'} is {found}, expected {expected}")


def _expect_shallow(value: Any, path: str) -> None:
    level, depth = [value], 0
    while level:
        if depth > DEEPEST:
            raise ValueError(f"{path} is nested more than {DEEPEST} levels deep")
        holders = [v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)]
        level = [item for holder in holders for item in holder]
        depth += 1
