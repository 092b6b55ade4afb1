"""The axes of a study: the values of a recipe that vary, as they are typed after its name.

    weights.beta=1,4,16              three values
    seed=0..9                        ten whole numbers; `seed` is short for `train.seed`
    weights.off:weights.diag=1:10,2:20   two values that move together
    data.source.size=[32, 32],[64, 64]   commas within brackets, parentheses and quotes belong to a value

A path with a single value is no axis but an override of all points. Only the seed is an axis even then.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import attrs

from unbraid_configs.reading import read_scalar
from unbraid_registry import UnbraidError

SEED = "train.seed"
SHORT = {"seed": SEED}
MOST = 100_000                                     # the most points of a study
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_OPENING, _CLOSING = "([{", ")]}"


@attrs.frozen
class Axis:
    """A path of the recipe that varies, or several paths that vary together.

    values: for every value, one text for each path.
    """

    paths: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    @property
    def name(self) -> str:
        """The name of the axis: `weights.beta`, `seed`, `weights.off:weights.diag`."""
        return ":".join(short(path) for path in self.paths)

    @property
    def is_seed(self) -> bool:
        """Whether the axis is the seed alone."""
        return self.paths == (SEED,)

    def __str__(self) -> str:
        return f"{self.name}={','.join(map(':'.join, self.values))}"


def short(path: str) -> str:
    """Return a path as names and tables show it."""
    return next((name for name, whole in SHORT.items() if whole == path), path)


def read_axis(text: str) -> Axis:
    """Parse `path=values` as an axis, even with a single value.  Raises UnbraidError."""
    left, equals, right = text.partition("=")
    names = [part.strip() for part in pieces(left, ":")]
    if not equals or not all(names):
        raise UnbraidError(f"{text!r} is neither an override nor an axis",
                           hint="write path=value or path=value,value,...: weights.beta=1,4,16 seed=0..9")
    paths = tuple(SHORT.get(name, name) for name in names)
    if len(set(paths)) < len(paths):
        raise UnbraidError(f"{text}: {left} names one path twice")
    values: list[tuple[str, ...]] = []
    for part in pieces(right, ","):
        values += [(number,) for number in _range(part, text)] if len(paths) == 1 else [_together(part, paths, text)]
    if any(not v for value in values for v in value) and (len(values) > 1 or len(paths) > 1):
        raise UnbraidError(f"{text}: a value is empty", hint="write null to remove, or '' for an empty text")
    if twice := next((value for value, count in Counter(values).items() if count > 1), None):
        raise UnbraidError(f"{text}: the value {':'.join(twice)} stands there twice")
    return Axis(paths, tuple(values))


def pieces(text: str, separator: str) -> list[str]:
    """Split a text at the separators outside of brackets, parentheses and quotes.

    >>> pieces("[1, 2],f(a, b),'x,y'", ",")
    ['[1, 2]', 'f(a, b)', "'x,y'"]
    """
    found, depth, quote, start = [], 0, "", 0
    for i, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in _OPENING:
            depth += 1
        elif c in _CLOSING:
            depth -= 1
        elif c == separator and depth <= 0:
            found.append(text[start:i].strip())
            start = i + 1
    return [*found, text[start:].strip()]


def _range(part: str, text: str) -> list[str]:
    """Expand `0..9` to its numbers; return any other text unchanged."""
    found = _RANGE.fullmatch(part)
    if not found:
        return [part]
    first, last = int(found[1]), int(found[2])
    if last < first:
        raise UnbraidError(f"{text}: the range {part} is empty", hint=f"write {last}..{first}")
    if last - first >= MOST:
        raise UnbraidError(f"{text}: the range {part} has more than {MOST} values")
    return [str(number) for number in range(first, last + 1)]


def _together(part: str, paths: Sequence[str], text: str) -> tuple[str, ...]:
    values = tuple(pieces(part, ":"))
    if len(values) != len(paths):
        raise UnbraidError(f"{text}: {len(paths)} paths move together, {part!r} has {len(values)} "
                           f"value{'s' * (len(values) != 1)}", hint="write as many as paths: a.b:c.d=1:10,2:20")
    return values


def read_axes(texts: Sequence[str]) -> tuple[tuple[str, ...], tuple[Axis, ...]]:
    """Split arguments into overrides of all points and axes, both in their given order.  Raises UnbraidError."""
    found = [read_axis(text) for text in texts]
    paths = [path for axis in found for path in axis.paths]
    if twice := next((path for path, count in Counter(paths).items() if count > 1), None):
        raise UnbraidError(f"{short(twice)} stands there twice", hint="give all its values at once")
    axes = tuple(axis for axis in found if len(axis.values) > 1 or axis.is_seed)
    fixed = tuple(f"{p}={v}" for axis in found if axis not in axes
                  for p, v in zip(axis.paths, axis.values[0], strict=True))
    count = 1
    for axis in axes:
        count *= len(axis.values)
    if count > MOST:
        raise UnbraidError(f"these are {count} points; a study has at most {MOST}", hint="leave out some values")
    return fixed, axes


def products(axes: Sequence[Axis]) -> list[tuple[tuple[str, ...], ...]]:
    """Return every combination of the axes' values; the last axis varies fastest."""
    return list(itertools.product(*(axis.values for axis in axes)))


def plain(text: str) -> Any:
    """Convert a value to a number, or leave it a text, for tables and plots."""
    try:
        value = read_scalar(text)
    except ValueError:
        return text
    return text if value is None or isinstance(value, bool) else value
