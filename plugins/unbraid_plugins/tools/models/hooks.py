"""The hooks of this plugin: the command `unbraid models`, and the models that the bundled methods make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_commands() -> list[Any]:
    """Return the plugin's command."""
    from unbraid_plugins.tools.models.command import models_command

    return [models_command]


@hookimpl
def unbraid_models() -> Path:
    """Return the file of the bundled methods' models."""
    return Path(__file__).with_name("models.toml")


@hookimpl
def unbraid_open_run(reference: str) -> Any:
    """Return the pack of `model:NAME`, where it is here.  Raises ModelsError where it is not."""
    prefix = "model:"
    if not reference.startswith(prefix):
        return None
    from unbraid_plugins.tools.models.getting import pack_of

    return pack_of(reference.removeprefix(prefix))
