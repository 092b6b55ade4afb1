"""What this plugin contributes: `unbraid profile`."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_commands() -> list[Any]:
    """Its commands."""
    from unbraid_plugins.tools.profiling.command import command

    return [command]
