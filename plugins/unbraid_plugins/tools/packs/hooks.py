"""The hooks of this plugin: the commands on packs, and the reader of packs for everything that reads a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_commands() -> list[Any]:
    """Return the plugin's commands."""
    from unbraid_plugins.tools.packs.command import pack_command, push_command

    return [pack_command, push_command]


@hookimpl
def unbraid_open_run(reference: str, fetch: bool) -> Any:
    """Return the pack of a file, or of `hub:OWNER/NAME@REVISION`."""
    from unbraid_plugins.tools.packs import hub
    from unbraid_plugins.tools.packs.pack import Pack

    if reference.startswith(hub.HUB):
        return Pack.at(hub.fetch(reference.removeprefix(hub.HUB), here=not fetch))
    path = Path(reference).expanduser()
    return Pack.at(path) if path.is_file() or path.suffix == ".safetensors" else None
