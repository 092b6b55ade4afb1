"""Errors in data, worded for the person who can fix them."""

from __future__ import annotations

from collections.abc import Iterable

from unbraid_configs import Place
from unbraid_registry import UnbraidError, closest


class DataError(UnbraidError):
    """The error for a source that cannot be read, or for draws that the data cannot give."""


def unknown_name(what: str, name: object, names: Iterable[object], where: str = "") -> DataError:
    """Return the error for a name that is not among `names`, with the closest one."""
    known = [str(n) for n in names]
    shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    return DataError(f"{where}no {what} {name!r}; there is {shown or 'none'}", hint=closest(str(name), known))


def located(place: Place, path: str) -> str:
    """Return `file:line:column  path: `, the beginning of a message about a place in the recipe."""
    return f"{place}  {path}: " if place.line else f"{path}: "
