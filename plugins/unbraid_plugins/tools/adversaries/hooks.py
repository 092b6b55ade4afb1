"""The hooks of this plugin: a training says when an adversary has been at chance for long."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from unbraid import hookimpl

LONG = 1000                                        # steps at chance, and at least as many logged values:
VALUES = 10
NEAR = 0.98                                        # of the loss at chance; more is at chance, or worse


@attrs.define
class _Watch:
    """One level of a run: since when it has been at chance."""

    level: Any
    since: int = 0
    total: float = 0.0
    count: int = 0

    def see(self, step: int, value: float) -> bool:
        """Take a logged value; return whether the mean has now been at chance for long."""
        if self.count and (self.total + value) / (self.count + 1) < NEAR * self.level.chance:
            self.count, self.total = 0, 0.0
        if not self.count:
            self.since = step
        if value >= NEAR * self.level.chance or self.count:
            self.count, self.total = self.count + 1, self.total + value
        return self.count >= VALUES and step - self.since >= LONG

    def message(self) -> str:
        """Return the warning."""
        mean = self.total / self.count
        return (f"{self.level.names} has been at chance ({self.level.chance:.3g}) since step {self.since}, with a mean "
                f"of {mean:.3g}: it teaches the others nothing. Either nothing is left to tell apart, or this player "
                "can't learn: look at its learning rate, weight decay, size, and its other terms")


_watched: dict[Path, list[_Watch]] = {}            # of the active runs, by folder


@hookimpl
def unbraid_run_start(run: Any, step: int, recipe: Any) -> None:
    """Find the losses at chance of the recipe's adversaries."""
    from unbraid_plugins.tools.adversaries.chance import chance_levels

    if step + LONG <= recipe.train.steps:
        _watched[run.folder] = [_Watch(level) for level in chance_levels(recipe)]


@hookimpl
def unbraid_log(run: Any, step: int, numbers: Mapping[str, float]) -> None:
    """Warn, once for each loss, when it has been at chance for long."""
    for watch in list(_watched.get(run.folder, ())):
        value = watch.level.of(numbers)
        if value is not None and watch.see(step, value):
            _watched[run.folder].remove(watch)
            warnings.warn(watch.message(), stacklevel=2)


@hookimpl
def unbraid_run_end(run: Any) -> None:
    """Forget the run."""
    _watched.pop(run.folder, None)
