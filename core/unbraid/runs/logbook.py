"""Logs of a training: metrics.jsonl and pictures; other loggers are plugins with the hook `unbraid_log`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from torch import Tensor

from unbraid.runs.images import write_image
from unbraid.runs.run import Run, RunError
from unbraid_registry import registry
from unbraid_registry.files import open_to_write, reason, remedy, to_json, write_whole

Mesh = tuple[Tensor, Tensor, Tensor | None]        # vertices (B, V, 3), faces (F, 3), colours (B, V, 3) in [0, 1]
Picture = Tensor | Mesh                            # an image (C, H, W) in [0, 1], or a mesh


@attrs.frozen(eq=False)
class Logbook:
    """Writer of a run's numbers and pictures.  On resume, it first removes numbers logged after the step `start`.

    Every plugin with the hook `unbraid_log` gets the numbers, pictures and meshes. Raises RunError or PictureError if
    something can't be written.
    """

    run: Run
    start: int = 0

    def __attrs_post_init__(self) -> None:
        if self.run.metrics_file.exists():
            write_whole(self.run.metrics_file, self._kept, error=RunError)

    def _kept(self, scratch: Path) -> None:
        with scratch.open("wb") as file:
            file.writelines(line.rstrip(b"\n") + b"\n" for line, logged in self.run.logged()
                            if isinstance(step := logged.get("step", 0), int) and step <= self.start)

    def numbers(self, step: int, numbers: Mapping[str, float]) -> None:
        """Log numbers by their names."""
        with writing(self.run.metrics_file), open_to_write(self.run.metrics_file, append=True) as file:
            file.write(f"{to_json({'step': step, **numbers})}\n".encode())
        self._tell(step, dict(numbers), {})

    def pictures(self, step: int, pictures: Mapping[str, Picture]) -> None:
        """Write images as PNG files, by their names; pass images and meshes to plugins."""
        with writing(self.run.pictures):           # fails in a run that was removed, instead of making it again
            self.run.pictures.mkdir(exist_ok=True)
        for name, picture in pictures.items():
            if isinstance(picture, Tensor):
                write_image(self.run.pictures / f"{name}-{step:08d}.png", picture)
        self._tell(step, {}, dict(pictures))

    def _tell(self, step: int, numbers: dict[str, float], pictures: dict[str, Any]) -> None:
        registry().call("unbraid_log", run=self.run, step=step, numbers=numbers, pictures=pictures)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError in the block into a RunError that names the file."""
    try:
        yield
    except OSError as error:
        raise RunError(f"can't write {path}: {reason(error)}",
                       hint=f"{remedy(error)}, then go on with --resume") from None
