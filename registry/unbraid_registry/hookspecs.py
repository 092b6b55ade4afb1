"""The hooks that a plugin can implement: pluggy's project `unbraid`.

A plugin is a module (or any object) with functions of these names, marked with `@hookimpl`. Each may leave out the
arguments that it does not need. What several plugins return is collected; none of them replaces another: choices
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
    """The components: functions and attrs classes marked with the decorator of their kind."""


@hookspec
def unbraid_doctor() -> list[tuple[str, str, bool]]:  # type: ignore[empty-body]
    """Lines for `unbraid doctor`: what was looked at, what was found, and whether it is well."""


@hookspec
def unbraid_commands() -> list[Any]:  # type: ignore[empty-body]
    """Click commands, added to the command line."""


@hookspec
def unbraid_recipes() -> str | Path | Mapping[str, str | Path]:  # type: ignore[empty-body]
    """Recipes: a folder of YAML files, or name -> file. Others find them as `plugin.name`."""


@hookspec
def unbraid_run_start(run: Any, step: int, recipe: Any) -> None:
    """A run begins, or goes on: its folder and record exist, its networks are built.

    step: the step that it begins with; what was logged after it, by an earlier session, is void.
    """


@hookspec
def unbraid_step_end(run: Any, step: int, values: Mapping[str, Any]) -> None:
    """All players have moved.  values: the numbers of this step by name, as they are logged."""


@hookspec
def unbraid_pictures(run: Any, step: int, model: Any, data: Any) -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Pictures of a training: name -> image (C, H, W) in [0, 1], or mesh (vertices, faces, colours or None).

    Called before the first step (step 0), every `train.picture_every` steps, and at the end. model: the method with its
    present weights, a `Model`; data: the opened data of the recipe.
    """


@hookspec
def unbraid_log(run: Any, step: int, numbers: Mapping[str, float], pictures: Mapping[str, Any]) -> None:
    """Something was logged: numbers by their names, or pictures as from `unbraid_pictures`."""


@hookspec
def unbraid_evaluate(run: Any, step: int) -> Mapping[str, float]:  # type: ignore[empty-body]
    """Measure the model as it is now: name -> number, logged with the run."""


@hookspec
def unbraid_checkpoint(run: Any, state: Any) -> None:
    """A checkpoint is about to be written.  state: a copy of what will be in it, `.step` and `.groups` of tensors."""


@hookspec
def unbraid_run_end(run: Any, error: BaseException | None) -> None:
    """A run ends.  error: what ended it early, or None."""
