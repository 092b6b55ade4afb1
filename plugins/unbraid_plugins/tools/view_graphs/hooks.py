"""The hooks of this plugin: the command `unbraid graph`, and the picture of a fitted graph in its run."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_commands() -> list[Any]:
    """Return the plugin's commands."""
    from unbraid_plugins.tools.view_graphs.command import command

    return [command]


@hookimpl
def unbraid_pictures(step: int, model: Any) -> dict[str, Any]:
    """Return the picture of the view graph, once it is fitted, if the model has one."""
    if step or model.functions.get("edges") != ():
        return {}
    from unbraid_plugins.tools.view_graphs.files import graph_of
    from unbraid_plugins.tools.view_graphs.picture import graph_image

    graph = graph_of(model)
    return {} if graph is None else {"view_graph": graph_image(graph)}
