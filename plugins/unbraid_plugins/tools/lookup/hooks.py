"""The hook of this plugin: the commands that look things up."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_commands() -> list[Any]:
    """Return the plugin's commands."""
    from unbraid_plugins.tools.lookup.completion import command as completion
    from unbraid_plugins.tools.lookup.doctor import command as doctor
    from unbraid_plugins.tools.lookup.listing import command as listing
    from unbraid_plugins.tools.lookup.plugins import command as plugins
    from unbraid_plugins.tools.lookup.show import command as show

    return [listing, show, plugins, completion, doctor]
