"""Progress of long work: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TextIO

import attrs

from unbraid_registry.terminal import shown

PLAIN_EVERY = 10.0                                 # seconds between plain lines


@attrs.define(eq=False)
class Progress:
    """Display of a training's progress: speed, time left and losses.  unit: the name of a step."""

    total: int
    start: int = 0
    shown: bool = True
    unit: str = "steps"
    out: TextIO = attrs.Factory(lambda: sys.stderr)
    _bar: Any = None
    _task: Any = None
    _began: float = attrs.Factory(time.monotonic)
    _last: float = 0.0

    def __enter__(self) -> Self:
        if self.shown and self.out.isatty():
            from rich import progress
            from rich.console import Console

            self._bar = progress.Progress(
                progress.TextColumn(f"{{task.completed}}/{{task.total}} {self.unit}"), progress.BarColumn(),
                progress.TextColumn("{task.fields[speed]}"), progress.TimeRemainingColumn(),
                progress.TextColumn("{task.fields[losses]}", markup=False), console=Console(file=self.out))
            self._bar.start()
            self._task = self._bar.add_task("train", total=self.total, completed=self.start, speed="", losses="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def at(self, step: int, numbers: Mapping[str, float] | None = None, *, of: int | None = None) -> None:
        """Show that `step` steps are done.  numbers: the losses, if they were just logged; of: another total."""
        self.total = self.total if of is None else of
        if not self.shown:
            return
        now = time.monotonic()
        speed = (step - self.start) / max(now - self._began, 1e-9)
        if self._bar is not None:
            fields = {"losses": _losses(numbers)} if numbers else {}
            self._bar.update(self._task, completed=step, total=self.total, speed=f"{speed:.1f}/s", **fields)
        elif numbers is not None and (now - self._last > PLAIN_EVERY or step == self.total):
            self._last = now
            left = (self.total - step) / max(speed, 1e-9)
            what = f"step {step}/{self.total}" if self.unit == "steps" else f"{step}/{self.total} {self.unit}"
            self._print(f"{what}  {speed:.1f} {self.unit.split()[0]}/s  {duration(left)} left  {_losses(numbers)}")

    def say(self, line: str) -> None:
        """Print a separate line, above the bar."""
        if not self.shown:
            return
        if self._bar is not None:
            self._bar.console.print(shown(line), highlight=False, markup=False)
        else:
            self._print(line)

    def _print(self, line: str) -> None:
        try:
            print(shown(line.rstrip()), file=self.out, flush=True)
        except OSError:                            # who read it is gone: the work goes on
            self.shown = False


def _losses(numbers: Mapping[str, float]) -> str:
    return "  ".join(f"{shown(name)} {number:.4g}" for name, number in numbers.items())


def duration(seconds: float) -> str:
    """Return seconds in words: '3 min', '2 h 5 min'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
