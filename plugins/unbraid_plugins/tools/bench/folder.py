"""A benchmark's folder: its settings, what was chosen for each cell, and the studies of the cells."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs

from unbraid.runs import locked, write_whole
from unbraid_configs import Recipe, dump_recipe
from unbraid_plugins.tools.bench.cells import Cell
from unbraid_plugins.tools.bench.suite import Suite, SuiteError
from unbraid_plugins.tools.studies import Study
from unbraid_registry.files import Anything, Each, Fields, FileError, check, read_json, write_json

FORMAT, LARGEST = 1, 8 << 20
FILE = "bench.json"
FORM = Fields({"format": int, "suite": str, "settings": Anything(), "cells": Each(Anything(), 10_000)},
              ("format", "suite", "settings", "cells"))


@attrs.frozen
class Bench:
    """A benchmark in its folder.

        recipes/METHOD@DATA.yaml    the recipes, with the suite's data and widths
        timing/METHOD@DATA          a few steps, whose processor time tells how many the budget is worth
        tuning/METHOD@DATA          the tries of learning rates, judged on the validation split
        cells/METHOD@DATA           the measured trainings, one for each seed
        bench.json                  the settings, and the steps and the learning rate of each cell
        results.json, results.md    the outcome
    """

    folder: Path

    def settings(self) -> dict[str, Any]:
        """Read bench.json; an empty form without the file.  Raises SuiteError for a file that can't be read."""
        file = self.folder / FILE
        if not file.exists():
            return {"format": FORMAT, "suite": "", "settings": {}, "cells": {}}
        try:
            found = read_json(file, LARGEST)
            check(found, FORM)
        except (OSError, ValueError) as error:
            raise SuiteError(f"can't read {file}: {error}", hint="move it away, or choose another --out") from None
        return dict(found)

    def begin(self, suite: Suite) -> None:
        """Write bench.json, or check that its suite and settings are these.  Raises SuiteError."""
        found, now = self.settings(), settings_of(suite)
        if found["settings"] not in ({}, now) or found["suite"] not in ("", suite.name):
            differ = [k for k in now if found["settings"].get(k) != now[k]]
            raise SuiteError(f"{self.folder} has a benchmark with other settings: "
                             f"{', '.join(differ) or 'suite ' + repr(found['suite'])}",
                             hint="give those that it began with, or choose another --out")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write({**found, "suite": suite.name, "settings": now})

    def choices(self, cell: Cell) -> dict[str, Any]:
        """Return what was chosen for a cell: `steps`, `each` (processor seconds a step), `rate`, `untuned` (why)."""
        return dict(self.settings()["cells"].get(cell.name, {}))

    def choose(self, cell: Cell, **values: Any) -> dict[str, Any]:
        """Add to what was chosen for a cell, and return it."""
        found = self.settings()
        found["cells"][cell.name] = {**found["cells"].get(cell.name, {}), **values}
        self._write(found)
        return dict(found["cells"][cell.name])

    def _write(self, settings: dict[str, Any]) -> None:
        write_json(self.folder / FILE, settings, LARGEST)

    def write_recipe(self, cell: Cell, recipe: Recipe) -> Path:
        """Write a cell's recipe; a changed one is refused by the cell's study.  Return its file."""
        file = cell.file(self.folder).absolute()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, dump_recipe(recipe))
        return file

    def study(self, part: str, cell: Cell) -> Study:
        """Return the study of a cell: of `timing`, `tuning` or `cells`."""
        return Study(self.folder / part / cell.name)

    def locked(self) -> AbstractContextManager[None]:
        """Lock the folder.  Raises FileError if another benchmark works on it."""
        return locked(self.folder, FileError(f"another benchmark is working on {self.folder}",
                                              hint="wait for it, or stop it (its trainings stop with checkpoints)"))


def settings_of(suite: Suite) -> dict[str, Any]:
    """Return the settings that all cells of a benchmark share; seeds and methods may be added to it later."""
    return {"budget": suite.budget, "images": suite.images, "splits": suite.splits,
            "tuning": attrs.asdict(suite.tuning, value_serializer=_listed)}


def _listed(instance: Any, attribute: Any, value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
