"""The hooks that a plugin can implement: pluggy's project `unbraid`.

A plugin is a module (or any object) with functions of these names, marked with `@hookimpl`. Each may leave out the
arguments that it does not need. The results of all plugins are collected. No plugin replaces another's result: choices
belong in the recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pluggy

API_LEVEL = 1
"""The level of these hooks and of the component kinds. A plugin says which one it needs: `UNBRAID_API = 1`."""

hookspec = pluggy.HookspecMarker("unbraid")
hookimpl = pluggy.HookimplMarker("unbraid")


@hookspec
def unbraid_components() -> list[Callable[..., Any]]:  # type: ignore[empty-body]
    """Return the components: functions and attrs classes marked with the decorator of their kind."""


@hookspec
def unbraid_doctor() -> list[tuple[str, str, bool]]:  # type: ignore[empty-body]
    """Return lines for `unbraid doctor`: the subject, the finding, and whether it is fine."""


@hookspec
def unbraid_commands() -> list[Any]:  # type: ignore[empty-body]
    """Return Click commands for the command line."""


@hookspec
def unbraid_recipes() -> str | Path | Mapping[str, str | Path]:  # type: ignore[empty-body]
    """Return recipes: a folder of YAML files, or name -> file.

    Users name a recipe `plugin.name`, or `name` where the plugin is bundled.
    """


@hookspec
def unbraid_run_start(run: Any, step: int, recipe: Any) -> None:
    """Handle the start or the resumption of a run: its folder and record exist, its networks are built.

    step: the first step; the values that an earlier session logged after it are void.
    """


@hookspec
def unbraid_step_end(run: Any, step: int, values: Mapping[str, Any]) -> None:
    """Handle the end of a step: all players have moved.  values: the numbers of this step by name, as logged."""


@hookspec
def unbraid_pictures(run: Any, step: int, model: Any, data: Any) -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Return pictures of a training: name -> image (C, H, W) in [0, 1], or mesh (vertices, faces, colours or None).

    model: the method with its current weights, a `Model`.
    data: the opened data of the recipe.

    Called before the first step (step 0), every `train.picture_every` steps, and at the end.
    """


@hookspec
def unbraid_log(run: Any, step: int, numbers: Mapping[str, float], pictures: Mapping[str, Any]) -> None:
    """Handle logged values: numbers by their names, or pictures as from `unbraid_pictures`."""


@hookspec
def unbraid_evaluate(run: Any, step: int) -> Mapping[str, float]:  # type: ignore[empty-body]
    """Measure the current model and return name -> number, which the run logs."""


@hookspec
def unbraid_checkpoint(run: Any, state: Any) -> None:
    """Handle a checkpoint that is about to be written.  state: a copy of it, with `.step` and `.groups` of tensors."""


@hookspec
def unbraid_run_end(run: Any, error: BaseException | None) -> None:
    """Handle the end of a run.  error: the exception that ended it, or None."""


@hookspec
def unbraid_views(scene: Any) -> list[Any]:  # type: ignore[empty-body]
    """Return tabs for `unbraid view`: `View`s of `unbraid_plugins.tools.viewer`, with controls and what they draw.

    scene: `scene.model`, `scene.gallery` of test images, and `scene.carries`, the factors that the evaluation found in
        parts of the code.
    """


@hookspec
def unbraid_open_run(reference: str, fetch: bool) -> Any:
    """Return a `Run` for a name that is no folder, such as a pack's file; None where the plugin does not know it.

    fetch: whether another machine may be asked; not where a file, such as a recipe, names the run.
    """


@hookspec
def unbraid_data() -> list[Any] | str | Path:  # type: ignore[empty-body]
    """Return data sets for `unbraid data` and `type: named`: the path of a TOML file with a table for each.

    Or a list of `DataSet`s of `unbraid_plugins.tools.datasets`.
    """


@hookspec
def unbraid_models() -> list[Any] | str | Path:  # type: ignore[empty-body]
    """Return trained models for `unbraid models`: the path of a TOML file with a table for each.

    Or a list of `TrainedModel`s of `unbraid_plugins.tools.models`.
    """


@hookspec
def unbraid_suites() -> str | Path:  # type: ignore[empty-body]
    """Return suites for `unbraid bench`: a folder of YAML files, each named as its suite."""
