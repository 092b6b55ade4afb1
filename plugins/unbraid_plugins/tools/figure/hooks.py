"""The hooks of this plugin: the command `unbraid draw`, and the method's figure in every run."""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl


@hookimpl
def unbraid_commands() -> list[Any]:
    """Return the plugin's commands."""
    from unbraid_plugins.tools.figure.command import command

    return [command]


@hookimpl
def unbraid_run_start(run: Any, step: int, recipe: Any) -> None:
    """Draw the figure of a new run into its folder."""
    from unbraid_plugins.tools.figure.files import draw_figure

    if step == 0:
        draw_figure(recipe, run.folder / "figure.svg")


@hookimpl
def unbraid_pictures(step: int, model: Any) -> dict[str, Any]:
    """Return the figure as an image for loggers, only before the first step."""
    from unbraid_plugins.tools.figure.files import figure_image

    return {"figure": figure_image(model.method.recipe)} if step == 0 else {}
