"""The hooks of this plugin: the command `unbraid new-plugin`."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_commands() -> list[Any]:
    """Return the plugin's commands."""
    from unbraid_plugins.tools.new_plugin.command import command

    return [command]
