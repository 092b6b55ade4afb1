"""The hooks of this plugin: scalars, images and meshes of a training for TensorBoard, in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unbraid import hookimpl

_events: dict[Path, Any] = {}                      # of the active runs, by folder


@hookimpl
def unbraid_run_start(run: Any, step: int, recipe: Any) -> None:
    """Begin a file of events; TensorBoard hides the events that an earlier session logged after this step."""
    if recipe.train.tensorboard:
        from unbraid_plugins.tools.tensorboard.events import Events

        _events[run.folder] = Events(run.folder / "tensorboard", step)


@hookimpl
def unbraid_log(run: Any, step: int, numbers: Mapping[str, float], pictures: Mapping[str, Any]) -> None:
    """Append numbers and pictures."""
    if (events := _events.get(run.folder)) is not None:
        events.log(step, numbers, pictures)


@hookimpl
def unbraid_run_end(run: Any) -> None:
    """Close the file."""
    if (events := _events.pop(run.folder, None)) is not None:
        events.close()
