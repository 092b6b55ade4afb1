"""The hooks of this plugin: the command `unbraid evaluate`."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_commands() -> list[Any]:
    """Return the plugin's commands."""
    from unbraid_plugins.tools.evaluation.command import command

    return [command]
