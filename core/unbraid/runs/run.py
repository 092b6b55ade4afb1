"""A run: the folder with its recipe, record, metrics, checkpoints and pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from unbraid.runs import checkpoint
from unbraid_configs import Mistake, Place, Recipe, RecipeError, load_recipe
from unbraid_registry import FormerPlugins, plugins_of, registry
from unbraid_registry.files import FileError, locked, parse_json, read_json, read_lines, refuse_foreign, write_json

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
MAX_RECORD = 16 << 20                              # bytes


class RunError(FileError):
    """Raised for a folder that has no run, or can't take one."""


@attrs.frozen
class Run:
    """A run's folder.

    whole: whether the weights are those of all networks, not only of those that the functions use.
    """

    folder: Path
    whole: ClassVar[bool] = True

    @classmethod
    def at(cls, folder: str | Path, *, fetch: bool = True) -> Run:
        """Return the run in a folder.  Raises RunError if the folder has none, or a link that leaves it.

        fetch: whether it may come from another machine; not where a file names it.
        """
        if not isinstance(folder, str | PathLike):
            raise RunError(f"a run is named by its folder, not by {folder!r:.60}")
        run = cls(Path(folder).expanduser())
        if not run.folder.is_dir():
            for found in registry().hook.unbraid_open_run(reference=str(folder), fetch=fetch):
                return found                       # a plugin knows it: a pack, or a model on a hub
            raise RunError(f"no run at {folder}: there is no such folder")
        if not run.record_file.is_file():
            raise RunError(f"{folder} is no run: it has no run.json", hint="give the folder that `unbraid train` named")
        refuse_foreign(run.folder, RunError)
        return run

    def in_folder(self) -> Run:
        """Return this run, whose folder is written into or compared.  Raises RunError for a run in one file, a pack."""
        if not self.folder.is_dir():
            raise RunError(f"{self.folder} is a pack, not a run's folder", hint="a pack keeps the scores of its run: "
                           f"unbraid show {self.folder}")
        return self

    @property
    def recipe_file(self) -> Path:
        """The file of the resolved recipe."""
        return self.folder / "recipe.yaml"

    @property
    def record_file(self) -> Path:
        """The file of the record: command, versions, device, seed, data, exit reason."""
        return self.folder / "run.json"

    @property
    def metrics_file(self) -> Path:
        """The file of the log: one JSON object per logged step."""
        return self.folder / "metrics.jsonl"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.folder / "checkpoints"

    @property
    def pictures(self) -> Path:
        """The folder of the pictures."""
        return self.folder / "pictures"

    def expect_none(self) -> None:
        """Raise RunError if the folder has a run or the remains of one."""
        if self.record_file.exists():
            raise RunError(f"{self.folder} already has a run", hint="--resume goes on with it; or choose another --out")
        if self.last_checkpoint() is not None:
            raise RunError(f"{self.folder} has checkpoints, but no run.json",
                           hint="put that back and go on with --resume, or choose another --out")

    def last_checkpoint(self) -> Path | None:
        """Return the newest complete checkpoint, or None."""
        found = checkpoint.steps(self.checkpoints)
        return found[max(found)] if found else None

    def record(self) -> dict[str, Any]:
        """Read run.json.  Raises RunError if it is damaged or from a newer unbraid."""
        try:
            record = read_json(self.record_file, MAX_RECORD)
        except (OSError, ValueError) as error:
            raise RunError(f"can't read {self.record_file}: {error}") from None
        if not isinstance(record, dict) or not isinstance(record.get("format"), int):
            raise RunError(f"{self.record_file} is no record of a run")
        if record["format"] > FORMAT:
            raise RunError(f"{self.record_file} has format {record['format']}; this unbraid reads up to {FORMAT}",
                           hint="install a newer unbraid")
        sessions = record.get("sessions", [])
        if not (isinstance(sessions, list) and all(isinstance(s, dict) and isinstance(s.get("versions", {}), dict)
                                                   for s in sessions) and checkpoint.is_best(record.get("best", {}))):
            raise RunError(f"{self.record_file} is no record of a run", hint="its fields are not what they should be; "
                           "the file is damaged")
        return record

    def plugins(self) -> FormerPlugins:
        """Return the plugins as the run knew them; a component that is gone fails only where it is used."""
        return FormerPlugins(registry(), plugins_of(self.record()) if self.record_file.is_file() else {})

    def recipe(self, overrides: Sequence[str] = ()) -> Recipe:
        """Load the run's recipe with overrides, `a.b.c=value`.  Raises RecipeError, which tells changed plugins too."""
        former, file = self.plugins(), self.recipe_file
        try:
            return self.with_cuts(self._read_recipe(overrides, former), overrides)
        except RecipeError as error:
            changes = [Mistake(Place(str(file)), "", str(c), c.remedy) for c in former.changes]
            if changes:
                changes.append(Mistake(Place(str(file)), "", "the run no longer fits", "change it where you use it: "
                                    "--set networks.NAME.OPTION=VALUE; null takes an option out"))
            raise RecipeError([*error.mistakes, *changes]) from None

    def _read_recipe(self, overrides: Sequence[str], plugins: FormerPlugins) -> Recipe:
        return load_recipe(self.recipe_file, overrides, plugins=plugins, keep_unset=True)

    @staticmethod
    def with_cuts(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
        """Split by row what the run has no cuts of, as runs before there were cuts did; not with other `splits`."""
        if any(o.startswith("data.split") for o in overrides):
            return recipe
        at = {**dict.fromkeys(recipe.data.sources, ()), **recipe.data.split_at}
        return attrs.evolve(recipe, data=attrs.evolve(recipe.data, split_at=at))

    def weights(self, step: int | None = None, *, averaged: bool = True) -> tuple[int, dict[str, dict[str, Tensor]]]:
        """Return the step of a checkpoint (None: the last), and its weights by network.

        averaged: EMA weights where the training kept them.  Raises RunError, CheckpointError.
        """
        there = checkpoint.steps(self.checkpoints)
        if not there:
            raise RunError(f"{self.folder} has no checkpoint yet")
        if step is not None and step not in there:
            raise RunError(f"{self.folder} has no checkpoint of step {step}; it has {', '.join(map(str, there))}")
        state = checkpoint.read(there[max(there) if step is None else step], ("networks", "averages"))
        groups = checkpoint.nested(state.groups.get("networks", {}))
        return state.step, groups | (checkpoint.nested(state.groups.get("averages", {})) if averaged else {})

    def write_record(self, record: dict[str, Any]) -> None:
        """Write run.json, whole or not at all.  Raises RunError, also if the folder was moved or removed."""
        if not self.folder.is_dir():
            raise RunError(f"can't write {self.record_file}: {self.folder} was moved or removed",
                           hint="put it back and go on with --resume, or train into another --out")
        write_json(self.record_file, {"format": FORMAT, **record}, MAX_RECORD, error=RunError)

    def metrics(self) -> list[dict[str, Any]]:
        """Return the logged steps, without lines that a crash cut off or that are damaged."""
        return [logged for _, logged in self.logged()]

    def logged(self, every: int = 1) -> Iterator[tuple[bytes, dict[str, Any]]]:
        """Yield the logged steps one by one, or one of `every`, each as its line and what it says.  Raises OSError."""
        for line in read_lines(self.metrics_file, every) if self.metrics_file.exists() else ():
            with suppress(ValueError):
                if isinstance(logged := parse_json(line), dict):
                    yield line, {name: math.nan if v is None else v for name, v in logged.items()}

    def locked(self) -> AbstractContextManager[None]:
        """Lock the folder during a training; a run that does not begin leaves no folder behind.

        Raises RunError if another process holds the lock.
        """
        return locked(self.folder, RunError(f"another training is writing into {self.folder}",
                                            hint="wait for its end, or choose another --out"))
