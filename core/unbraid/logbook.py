"""What a training leaves behind while it runs: metrics.jsonl, TensorBoard, pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
from torch import Tensor

from unbraid.disk import reason, remedy
from unbraid.pictures import write_image
from unbraid.record import Run, RunError, write_whole


@attrs.define(eq=False)
class Logbook:
    """Writes a run's numbers and pictures; on resume, what came after the checkpoint is forgotten first.

    Raises RunError or PictureError where something can't be written.
    """

    run: Run
    start: int = 0
    tensorboard: bool = True
    _writer: Any = None

    def __attrs_post_init__(self) -> None:
        if self.run.metrics_file.is_file():
            kept = [json.dumps(m) + "\n" for m in self.run.metrics() if m.get("step", 0) <= self.start]
            write_whole(self.run.metrics_file, "".join(kept))
        if self.tensorboard:
            from unbraid.events import Events

            with writing(self.run.folder / "tensorboard"):
                self._writer = Events(self.run.folder / "tensorboard", self.start)

    def numbers(self, step: int, numbers: Mapping[str, float]) -> None:
        """Log numbers by their names."""
        with writing(self.run.metrics_file), open(self.run.metrics_file, "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **numbers}) + "\n")
        if self._writer is not None:
            with writing(self.run.folder / "tensorboard"):
                for name, number in numbers.items():
                    self._writer.add_scalar(name, number, step)

    def picture(self, step: int, name: str, image: Tensor) -> None:
        """Write a picture (C, H, W) in [0, 1] as PNG and to TensorBoard."""
        with writing(self.run.pictures):           # a run that is gone is not begun again by a picture
            self.run.pictures.mkdir(exist_ok=True)
        write_image(self.run.pictures / f"{name}-{step:08d}.png", image)
        if self._writer is not None:
            with writing(self.run.folder / "tensorboard"):
                self._writer.add_image(name, image.detach().cpu().numpy(), step)

    def solid(self, step: int, name: str, vertices: Tensor, faces: Tensor, colours: Tensor | None) -> None:
        """Log meshes for TensorBoard: vertices and colours in [0, 1] (B, V, 3), faces (F, 3)."""
        if self._writer is not None:
            shades = None if colours is None else (colours.detach().cpu().clamp(0, 1) * 255).round().int().numpy()
            corners = faces.cpu().int().expand(len(vertices), -1, -1).numpy()
            with writing(self.run.folder / "tensorboard"):
                self._writer.add_mesh(name, vertices.detach().cpu().numpy(), shades, corners, global_step=step)

    def close(self) -> None:
        """Finish what is being written."""
        if self._writer is not None:
            with suppress(OSError):                # everything is in the file already
                self._writer.close()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within: what the disk refuses is a RunError that names the file."""
    try:
        yield
    except OSError as error:
        raise RunError(f"can't write {path}: {reason(error)}",
                       hint=f"{remedy(error)}, then go on with --resume") from None
