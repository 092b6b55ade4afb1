"""The hooks of this plugin: the command `unbraid data`, the source `named`, and the data sets that we know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_commands() -> list[Any]:
    """Return the plugin's command."""
    from unbraid_plugins.tools.datasets.command import data_command

    return [data_command]


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the source of data sets by name."""
    from unbraid_plugins.tools.datasets.named import Named

    return [Named]


@hookimpl
def unbraid_data() -> Path:
    """Return the file of the data sets that research on disentanglement uses."""
    return Path(__file__).with_name("sets.toml")
