"""The hooks of this plugin: `unbraid call`, and pictures and films of a model's functions during training."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_commands() -> list[Any]:
    """Return the plugin's commands."""
    from unbraid_plugins.tools.calling.command import command

    return [command]


@hookimpl
def unbraid_pictures(run: Any, step: int, model: Any, data: Any) -> dict[str, Any]:
    """Return pictures of the model's functions of test images; write a film for each function of a clip."""
    from unbraid_plugins.tools.calling.pictures import pictures_of_functions

    return pictures_of_functions(model, data, run.pictures, step) if step else {}
