"""The processor seconds of a benchmark's trainings, which their own processes note in their runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import attrs

from unbraid_registry.files import read_json, write_json

FILE, LARGEST = "processor.json", 1 << 20
PAUSE = 5.0                                        # processor seconds between two writings
WARM = 5                                           # steps before the cost of a step is measured


@attrs.define
class Session:
    """A running training session: its processor seconds at its start and after its first steps."""

    first: int
    began: float
    warm: tuple[int, float] | None = None
    last: int = 0
    written: float = 0.0

    def is_due(self) -> bool:
        """Whether the last writing is long ago; then it counts as written now."""
        due = (now := time.process_time()) - self.written > PAUSE
        self.written = now if due else self.written
        return due

    def note(self, step: int) -> None:
        """Take the end of a step."""
        self.last = step
        if step == self.first + WARM:
            self.warm = step, time.process_time()

    @property
    def numbers(self) -> dict[str, Any]:
        """The numbers that are written; `each` is seconds a step after the first ones, None for a short session."""
        now = time.process_time()
        each = None
        if self.warm is not None and self.last > self.warm[0]:
            each = (now - self.warm[1]) / (self.last - self.warm[0])
        return {"from_step": self.first, "to_step": self.last, "seconds": now - self.began, "each": each}


def write_sessions(folder: Path, before: list[dict[str, Any]], session: Session) -> None:
    """Write the sessions of a run, the running one last."""
    write_json(folder / FILE, {"sessions": [*before, session.numbers]}, LARGEST)


def read_sessions(folder: Path) -> list[dict[str, Any]]:
    """Return the sessions of a run; empty without a file that can be read."""
    try:
        return list(read_json(folder / FILE, LARGEST)["sessions"])
    except (OSError, ValueError, KeyError, TypeError):
        return []


def seconds_of(folder: Path) -> float | None:
    """Return the processor seconds of a run's training; None where they are unknown."""
    sessions = read_sessions(folder)
    return sum(float(s["seconds"]) for s in sessions) if sessions else None


def seconds_a_step(folder: Path) -> float | None:
    """Return the processor seconds of a step; None where they are unknown."""
    known = [float(s["each"]) for s in read_sessions(folder) if s.get("each")]
    return known[-1] if known else None
