"""The points of a study: one value for every axis, and a name for the run's folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from urllib.parse import quote, unquote

import attrs

from unbraid_plugins.tools.studies.axes import SEED, SHORT, Axis, products, short

RECIPE = "recipe"                                  # the axis of studies that compare recipes
ONLY = "only"                                      # the name of the point of a study without axes
SAFE = "+@^"                                       # characters that names keep beside letters, digits and _.-~
LONGEST = 60                                       # characters of a value in a name


@attrs.frozen
class Point:
    """One value for every path that varies.  values: path -> text, the recipe's name under `recipe`."""

    values: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The name of the run's folder: `weights.beta=4,seed=0`."""
        return ",".join(f"{_safe(short(p))}={_shortened(v)}" for p, v in self.values) or ONLY

    @property
    def seed(self) -> str | None:
        """The seed; None if it is no axis."""
        return dict(self.values).get(SEED)

    @property
    def setting(self) -> tuple[tuple[str, str], ...]:
        """All values except the seed; points with the same setting are repetitions of one experiment."""
        return tuple((p, v) for p, v in self.values if p != SEED)

    def recipe(self, otherwise: str) -> str:
        """Return the recipe of this point; `otherwise` if recipes are no axis."""
        return dict(self.values).get(RECIPE, otherwise)

    def overrides(self) -> list[str]:
        """Return the overrides of the point's recipe."""
        return [f"{p}={v}" for p, v in self.values if p != RECIPE]


def points_of(axes: Sequence[Axis]) -> list[Point]:
    """Return all points; the last axis varies fastest."""
    return [Point(tuple((p, v) for axis, value in zip(axes, chosen, strict=True)
                        for p, v in zip(axis.paths, value, strict=True))) for chosen in products(axes)]


def point_named(name: str, axes: Sequence[Axis]) -> Point | None:
    """Parse a folder's name as a point on these axes; return None for another name.

    The values need not be those of the axes. A shortened value is matched with the values of its axis.
    """
    paths = [path for axis in axes for path in axis.paths]
    if not paths:
        return Point(()) if name == ONLY else None
    entries = [entry.partition("=") for entry in name.split(",")]
    values = {SHORT.get(unquote(p), unquote(p)): v for p, _, v in entries}
    if list(values) != paths or len(entries) != len(paths):
        return None
    known = {path: {_shortened(value[i]): value[i] for value in axis.values}
             for axis in axes for i, path in enumerate(axis.paths)}
    return Point(tuple((p, known[p].get(v, unquote(v))) for p, v in values.items()))


def _safe(text: str) -> str:
    return quote(text, safe=SAFE)


def _shortened(value: str) -> str:
    """Escape and shorten a value for a folder's name."""
    text = _safe(value)
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST - 12]}...{hashlib.sha256(value.encode()).hexdigest()[:8]}"
