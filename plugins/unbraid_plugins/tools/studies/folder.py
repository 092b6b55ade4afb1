"""A study's folder: its plan, a run for every point, their logs and their progress."""

from __future__ import annotations

import json
import time
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeAlias

import attrs

from unbraid.runs import Run, RunError, is_free, locked, write_whole
from unbraid_configs import Recipe, RecipeError, dump_recipe, load_recipe
from unbraid_configs.writing import Difference, differences, in_words
from unbraid_plugins.tools.evaluation import EVALUATING, EvaluationOptions
from unbraid_plugins.tools.studies.plan import Plan, read_plan
from unbraid_plugins.tools.studies.points import Point, point_named
from unbraid_registry import UnbraidError
from unbraid_registry.files import FileError, parse_json, read_json, read_whole, refuse_foreign

State: TypeAlias = Literal["new", "begun", "trained", "done"]
SPENT = "the time budget is spent"                 # the exit of a run whose `train.max_minutes` are over
PATIENCE = 300.0                                   # seconds to wait until a stopping training leaves its run
EVALUATION, EVALUATED = "evaluation.json", "evaluated.json"
LARGEST = 8 << 20                                  # bytes of an evaluation


class StudyError(FileError):
    """A folder that is no study, or that can't hold this study."""


@attrs.frozen
class Study:
    """A study in its folder."""

    folder: Path

    @classmethod
    def at(cls, folder: str | Path) -> Study:
        """Return the study in a folder.  Raises StudyError if it has no study, or a link that leaves it."""
        study = cls(Path(folder).expanduser())
        if not study.plan_file.is_file():
            raise StudyError(f"{folder} is no study: it has no study.yaml",
                             hint="begin one with: unbraid sweep RECIPE a.b=1,4,16 seed=0..9 --out FOLDER")
        refuse_foreign(study.folder, StudyError)
        return study

    @property
    def plan_file(self) -> Path:
        """The file with recipe, overrides and axes."""
        return self.folder / "study.yaml"

    @property
    def recipe_file(self) -> Path:
        """The file with the resolved recipe of the first point."""
        return self.folder / "recipe.yaml"

    @property
    def runs(self) -> Path:
        """The folder of the runs."""
        return self.folder / "runs"

    def run(self, point: Point) -> Run:
        """Return the run of a point, which may not exist yet."""
        return Run(self.runs / point.name)

    def log(self, point: Point) -> Path:
        """Return the file with the output of a point's processes."""
        return self.folder / "logs" / f"{point.name}.log"

    def plan(self) -> Plan:
        """Read the plan of the study.  Raises UnbraidError."""
        return read_plan(self.plan_file)

    def begin(self, plan: Plan) -> Plan:
        """Write a new study, or add points to the existing one, after a check of all points.

        Returns the whole plan. Raises RecipeError for invalid recipes, StudyError if the folder has another study.
        """
        if self.plan_file.exists():
            before = self.plan()
            plan = before.grown(plan)
            plan.check()
            if self.recipe_file.exists():
                differs = _differences(plan.recipe(before.points[0]), load_recipe(self.recipe_file, keep_unset=True))
                if differs:
                    raise StudyError(f"{self.folder} has a study of another recipe: {in_words(differs)}",
                                     hint="choose another --out; or take the recipe back to what it was")
        else:
            plan.check()
            if self.folder.exists() and (self.folder / "run.json").exists():
                raise StudyError(f"{self.folder} has a run", hint="choose another --out")
        self._refuse_foreign(plan)
        self.runs.mkdir(parents=True, exist_ok=True)
        (self.folder / "logs").mkdir(exist_ok=True)
        if not self.recipe_file.exists():
            write_whole(self.recipe_file, dump_recipe(plan.recipe(plan.points[0])))
        plan.write(self.plan_file)
        return plan

    def _refuse_foreign(self, plan: Plan) -> None:
        """Raise StudyError if a run with the name of a point has another recipe."""
        wrong = []
        for point in plan.points:
            run = self.run(point)
            if run.recipe_file.is_file():
                found = [d for d in _differences(plan.recipe(point), recipe_of(run)) if not d.is_place]
                wrong += [f"{run.folder}: {in_words(found)}"] if found else []
        if wrong:
            raise StudyError("\n".join(["these runs are of another recipe than their names tell:", *wrong]),
                             hint="move them away, or choose another --out")

    # -- progress of a point ------------------------------------------------------------------------------------------

    def step(self, point: Point) -> int:
        """Return the step of a point's last whole checkpoint; 0 without one."""
        return trained_to(self.run(point)) or 0

    def state(self, point: Point, recipe: Recipe, evaluate: EvaluationOptions | None) -> State:
        """Return the progress of a point, as its run's folder alone shows it.  Raises RunError."""
        run = self.run(point)
        if not run.record_file.is_file():
            return "new"
        step = trained_to(run)
        if step is None or (step < recipe.train.steps and _exit(run) != SPENT):
            return "begun"
        return "done" if evaluate is None or is_evaluated(run, step, evaluate) else "trained"

    # -- runs from elsewhere ------------------------------------------------------------------------------------------

    def points(self, plan: Plan) -> tuple[list[Point], list[str]]:
        """Return the points of the plan, then those of other runs in the folder, and notes on runs that are left out.

        A run belongs to the study if its name is that of a point on the study's axes and its recipe is that point's.
        """
        points, notes = plan.points, []
        known = {point.name for point in points}
        for folder in sorted(self.runs.iterdir()) if self.runs.is_dir() else ():
            run = Run(folder)
            if folder.name in known or not run.recipe_file.is_file():
                continue
            point = point_named(folder.name, plan.axes)
            try:
                differs = None if point is None else _differences(plan.recipe(point), recipe_of(run))
            except RecipeError as error:
                notes.append(f"{folder} is left out: {error.mistakes[0]}")
                continue
            wrong = [d for d in differs or () if not d.is_place]
            if differs is None or wrong:
                why = f"its recipe is another: {in_words(wrong)}" if wrong else (
                    "its name tells no point on the axes of the study")
                notes.append(f"{folder} is left out: {why}")
            elif point is not None:
                points.append(point)
        return points, notes

    # -- the lock -----------------------------------------------------------------------------------------------------

    def locked(self) -> AbstractContextManager[None]:
        """Lock the folder while a sweep works on it.  Raises StudyError if another sweep holds the lock."""
        return locked(self.folder, StudyError(f"another sweep is working on {self.folder}",
                                              hint="wait for it, or stop it (its trainings stop with checkpoints)"))


def _differences(here: Recipe, there: Recipe) -> list[Difference]:
    """Return the differences between the expected and the found recipe, both with the networks of other runs."""
    return differences(_resolved(here), _resolved(there))


def _resolved(recipe: Recipe) -> Recipe:
    """Return the recipe with the networks that it takes from other runs."""
    if all(n.from_ is None or n.spec is not None for n in recipe.networks.values()):
        return recipe
    from unbraid.model import with_pretrained

    return with_pretrained(recipe)


def recipe_of(run: Run) -> Recipe:
    """Return the recipe of a run, whose data may not be there.  Raises RecipeError."""
    return load_recipe(run.recipe_file, keep_unset=True)


def trained_to(run: Run) -> int | None:
    """Return the step of the last whole checkpoint; None without one."""
    last = run.last_checkpoint()
    return None if last is None else int(last.name.rpartition("-")[2])


def _exit(run: Run) -> str:
    sessions = run.record().get("sessions") or [{}]
    return str(sessions[-1].get("exit", ""))


def is_evaluated(run: Run, step: int, evaluation: EvaluationOptions) -> bool:
    """Return whether `evaluation.json` is of this step and, if its options are known, was made with these options."""
    try:
        text = read_whole(run.folder / EVALUATION, LARGEST)
        found = parse_json(text)
    except (OSError, ValueError):
        return False
    if not isinstance(found, dict) or found.get("step") != step:
        return False
    if not all(m["of"]["step"] == step for m in dict(found.get("metrics", {})).values() if "of" in m):
        return False
    options = found.get("options")
    noted = _options(options) if isinstance(options, list) else _noted(run, text)
    return noted in (None, evaluation)


def _options(texts: list[Any]) -> EvaluationOptions | None:
    try:
        return EvaluationOptions.of(list(map(str, texts)), EVALUATION)
    except UnbraidError:                           # of another version
        return None


def _noted(run: Run, text: bytes) -> EvaluationOptions | None:
    """Return the options of an evaluation that does not tell them itself; None if no sweep made it."""
    try:
        noted = read_json(run.folder / EVALUATED, LARGEST)
        same = noted["evaluation"] == sha256(text).hexdigest()
        return EvaluationOptions.of(list(map(str, noted["options"])), EVALUATED) if same else None
    except (OSError, ValueError, TypeError, KeyError, UnbraidError):
        return None


def note_evaluated(run: Run, evaluation: EvaluationOptions) -> None:
    """Record the options of an evaluation, so that only other options repeat it."""
    made = sha256(read_whole(run.folder / EVALUATION, LARGEST)).hexdigest()
    write_whole(run.folder / EVALUATED, json.dumps({"options": evaluation.options, "evaluation": made}) + "\n")


def wait_until_free(run: Run, patience: float = PATIENCE) -> None:
    """Wait until no training writes into a run, for example one whose sweep was killed.  Raises RunError on timeout."""
    until = time.monotonic() + patience
    while not (is_free(run.folder) and is_free(run.folder, EVALUATING)):
        if time.monotonic() > until:
            raise RunError(f"another training is writing into {run.folder}")
        time.sleep(0.1)
