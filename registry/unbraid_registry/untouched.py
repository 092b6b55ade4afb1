"""Report the parts of unbraid that a plugin's import replaces: `python -m unbraid_registry.untouched MODULE|FILE`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from unbraid_registry.discovery import single_file

OURS = ("unbraid", "unbraid_registry", "unbraid_configs")
WATCHED = ("unbraid.engine.training", "unbraid.engine.players", "unbraid.engine.loop", "unbraid.model.method",
           "unbraid.model.model", "unbraid.runs.checkpoint", "unbraid.cli.entry", "unbraid_registry", "unbraid_configs")


def belongings() -> dict[str, Any]:
    """Return everything that our modules and their classes define, by dotted name."""
    found: dict[str, Any] = {}
    for module_name, module in list(sys.modules.items()):
        if module_name.partition(".")[0] not in OURS:
            continue
        for name, value in list(vars(module).items()):
            if not name.startswith("__"):
                found[f"{module_name}.{name}"] = value
            if isinstance(value, type) and value.__module__ == module_name:
                found |= {f"{module_name}.{name}.{inner}": thing for inner, thing in list(vars(value).items())
                          if callable(thing) or isinstance(thing, property | classmethod | staticmethod)}
    return found


def changed_by(plugin: str) -> list[str]:
    """Import a module or file and return the names that it replaces or removes; it must not be imported yet."""
    for module in WATCHED:
        importlib.import_module(module)
    before = belongings()
    if plugin.endswith(".py"):
        single_file(Path(plugin)).load()
    else:
        importlib.import_module(plugin)
    after = belongings()
    return sorted(name for name, value in before.items() if name not in after or after[name] is not value)


if __name__ == "__main__":
    print("\n".join(changed_by(sys.argv[1])))
