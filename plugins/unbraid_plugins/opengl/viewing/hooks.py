"""The plugin hook that brings `unbraid render`."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_commands() -> list[Any]:
    """Return the command `unbraid render`."""
    from unbraid_plugins.opengl.viewing.command import command

    return [command]
