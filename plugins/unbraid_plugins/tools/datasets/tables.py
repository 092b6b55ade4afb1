"""Entries that plugins contribute by a hook: TOML files with a table for each, or records."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from unbraid_registry import UnbraidError, closest, registry
from unbraid_registry.files import read_text

MOST = 1 << 20                                     # bytes of a file of entries


class Named(Protocol):
    """An entry, which has a name."""

    @property
    def name(self) -> str:
        """Its name, for users."""
        ...


T = TypeVar("T", bound=Named)


def read_tables(path: Path, made: Callable[[str, dict[str, Any]], T], what: str, error: type[UnbraidError]) -> list[T]:
    """Read a TOML file with a table for each entry, and make the entries.

    made: an entry of a name and its fields; it may raise ValueError or TypeError.
    what: an entry in words, such as "data set".

    Raises `error`, with the file, the entry and the field.
    """
    try:
        tables = tomllib.loads(read_text(path, MOST))
    except (OSError, ValueError) as fault:
        raise error(f"can't read {path}: {fault}") from None
    entries = []
    for name, table in tables.items():
        try:
            if not isinstance(table, dict):
                raise ValueError(f"it is {type(table).__name__}, expected a table")
            entries.append(made(name, dict(table)))
        except (ValueError, TypeError) as fault:
            raise error(f"{path}: the {what} {name!r}: {fault}") from None
    return entries


def contributed(hook: str, kind: type[T], read: Callable[[Path], list[T]], error: type[UnbraidError]) -> dict[str, T]:
    """Return the entries of all plugins by name; of two with one name, the bundled plugin's.  Raises `error`."""
    def checked(given: Any) -> list[T]:
        if isinstance(given, str | Path):
            return read(Path(given))
        if not isinstance(given, list) or not all(isinstance(entry, kind) for entry in given):
            raise error(f"{hook} gave no TOML file's path and no list of {kind.__name__}")
        return given

    found: dict[str, T] = {}
    for own in registry().call_by_plugin(hook, check=checked).values():
        for entry in own:
            found.setdefault(entry.name, entry)
    return dict(sorted(found.items()))


def one_of(known: dict[str, T], name: str, what: str, command: str, error: type[UnbraidError]) -> T:
    """Return an entry by name.  Raises `error` with the nearest name, or the command that lists them."""
    if name not in known:
        raise error(f"there is no {what} {name!r}", hint=closest(name, known) or command)
    return known[name]
