"""Doors: the `__init__` of a package lists its public names, and loads each one when it is first used.

    if TYPE_CHECKING:
        from unbraid.values.code import Code as Code
    else:
        __getattr__, __dir__ = door(__name__)

The imports for type checkers are the list. A door reads them from the source, and runs one when its name is first used.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from typing import Any


def door(package: str, moved: Mapping[str, str] | None = None) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and `__dir__` of a package whose names stand under `if TYPE_CHECKING:`.

    moved: names that the package offered once -> the package that offers them now, which the error names.
    """
    homes: dict[str, str] = {}

    def home(name: str) -> str | None:
        if not homes:
            homes.update(names_behind(package))
        return homes.get(name)

    def load(name: str) -> Any:
        if name == "__all__":
            return names()
        module = None if name.startswith("__") else home(name)
        if module is None:
            to = f"; it moved: from {moved[name]} import {name}" if moved and name in moved else ""
            raise AttributeError(f"module {package!r} has no attribute {name!r}{to}")
        if module == package:                      # a submodule of the package
            return importlib.import_module(f"{package}.{name}")
        value = getattr(importlib.import_module(module), name)
        setattr(sys.modules[package], name, value)         # the next use finds it without `__getattr__`
        return value

    def names() -> list[str]:
        home("")
        return sorted(homes)

    return load, names


def names_behind(package: str) -> dict[str, str]:
    """Return the names on a package's door, and the module that each comes from."""
    spec = importlib.util.find_spec(package)
    source = getattr(spec and spec.loader, "get_source", lambda _: None)(package)
    if source is None:
        raise ImportError(f"the source of {package} is not there, which tells what it offers")
    return {alias.asname or alias.name: node.module for block in ast.parse(source).body
            if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
            for node in block.body if isinstance(node, ast.ImportFrom) and node.module for alias in node.names}
