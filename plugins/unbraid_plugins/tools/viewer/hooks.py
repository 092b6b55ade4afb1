"""The hooks of this plugin: the command `unbraid view`, and the views that every fitting model has."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_commands() -> list[Any]:
    """Return the plugin's commands."""
    from unbraid_plugins.tools.viewer.command import command

    return [command]


@hookimpl
def unbraid_views(scene: Any) -> list[Any]:
    """Return the views of codes, domains, meshes and functions that fit a model."""
    from unbraid_plugins.tools.viewer.code_views import code_views
    from unbraid_plugins.tools.viewer.domain_views import domain_views
    from unbraid_plugins.tools.viewer.function_views import function_views

    return [*code_views(scene), *domain_views(scene), *function_views(scene)]
