"""What can be wrong with data, in the words of the person who can put it right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from unbraid_configs import Place
from unbraid_registry import UnbraidError


class DataError(UnbraidError):
    """A source that cannot be read, or draws that the data cannot give."""


def unknown_name(what: str, name: object, names: Iterable[object], where: str = "") -> DataError:
    """The error for a name that is none of `names`, with the closest one."""
    known = [str(n) for n in names]
    close = difflib.get_close_matches(str(name), known, n=1)
    shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    hint = f"did you mean {close[0]!r}?" if close else ""
    return DataError(f"{where}no {what} {name!r}; there is {shown or 'none'}", hint=hint)


def located(place: Place, path: str) -> str:
    """`file:line:column  path: `, the beginning of a message about a place in the recipe."""
    return f"{place}  {path}: " if place.line else f"{path}: "
