"""The hooks of this plugin: `unbraid edit`, `sample`, `translate` and `traverse`, and pictures during training."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_commands() -> list[Any]:
    """Return the plugin's commands."""
    from unbraid_plugins.tools.editing.edit import command as edit
    from unbraid_plugins.tools.editing.sample import command as sample
    from unbraid_plugins.tools.editing.translate import command as translate
    from unbraid_plugins.tools.editing.traverse import command as traverse

    return [edit, sample, translate, traverse]


@hookimpl
def unbraid_pictures(step: int, model: Any, data: Any) -> dict[str, Any]:
    """Return the model's pictures of test images: reconstructions, swaps, traversals, samples, translations, meshes."""
    from unbraid_plugins.tools.editing.pictures import pictures_of_training

    return pictures_of_training(model, data) if step else {}
