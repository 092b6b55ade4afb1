"""The hooks of this plugin: the commands `unbraid sweep`, `compare` and `train-seeds`."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_commands() -> list[Any]:
    """Return the plugin's commands."""
    from unbraid_plugins.tools.studies.compare import command as compare
    from unbraid_plugins.tools.studies.seeds_command import command as train_seeds
    from unbraid_plugins.tools.studies.sweep import command as sweep

    return [compare, sweep, train_seeds]
