"""What can be wrong with data, in the words of the person who can put it right."""

from __future__ import annotations

from collections.abc import Iterable

from unbraid_configs import Place
from unbraid_registry import UnbraidError, closest


class DataError(UnbraidError):
    """A source that cannot be read, or draws that the data cannot give."""


def unknown_name(what: str, name: object, names: Iterable[object], where: str = "") -> DataError:
    """The error for a name that is none of `names`, with the closest one."""
    known = [str(n) for n in names]
    shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    return DataError(f"{where}no {what} {name!r}; there is {shown or 'none'}", hint=closest(str(name), known))


def located(place: Place, path: str) -> str:
    """`file:line:column  path: `, the beginning of a message about a place in the recipe."""
    return f"{place}  {path}: " if place.line else f"{path}: "
