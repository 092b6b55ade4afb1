"""What a training leaves behind while it runs: metrics.jsonl, TensorBoard, pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs
from torch import Tensor

from unbraid.pictures import write_image
from unbraid.record import Run, RunError, write_whole


@attrs.define(eq=False)
class Logbook:
    """Writes a run's numbers and pictures; on resume, what came after the checkpoint is forgotten first."""

    run: Run
    start: int = 0
    tensorboard: bool = True
    _writer: Any = None

    def __attrs_post_init__(self) -> None:
        if self.run.metrics_file.is_file():
            kept = [json.dumps(m) + "\n" for m in self.run.metrics() if m.get("step", 0) <= self.start]
            write_whole(self.run.metrics_file, "".join(kept))
        if self.tensorboard:
            from tensorboardX import SummaryWriter

            self._writer = SummaryWriter(str(self.run.folder / "tensorboard"), purge_step=self.start or None)

    def numbers(self, step: int, numbers: Mapping[str, float]) -> None:
        """Log numbers by their names.  Raises RunError where the disk is full."""
        try:
            with open(self.run.metrics_file, "a", encoding="utf-8") as file:
                file.write(json.dumps({"step": step, **numbers}) + "\n")
        except OSError as error:
            raise RunError(f"can't write {self.run.metrics_file}: {error.strerror}",
                           hint="free some disk space, then go on with --resume") from None
        for name, number in numbers.items():
            if self._writer is not None:
                self._writer.add_scalar(name, number, step)

    def picture(self, step: int, name: str, image: Tensor) -> None:
        """Write a picture (C, H, W) in [0, 1] as PNG and to TensorBoard."""
        write_image(self.run.pictures / f"{name}-{step:08d}.png", image)
        if self._writer is not None:
            self._writer.add_image(name, image.detach().cpu().numpy(), step)

    def close(self) -> None:
        """Finish what is being written."""
        if self._writer is not None:
            self._writer.close()
