"""The course of a benchmark: cell by cell, the steps that the budget is worth, the tries, the trainings, the probes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from unbraid.engine import device_of
from unbraid.runs import Run
from unbraid_plugins.tools.bench.cells import Cell
from unbraid_plugins.tools.bench.facts import Facts
from unbraid_plugins.tools.bench.folder import Bench
from unbraid_plugins.tools.bench.processor import seconds_a_step
from unbraid_plugins.tools.bench.suite import Suite
from unbraid_plugins.tools.probing import probe
from unbraid_plugins.tools.studies import (
    Failure,
    Machine,
    Plan,
    Study,
    Sweep,
    best_of,
    groups_of,
    is_better_lower,
    jobs_of,
    rows_of_study,
    trained_to,
)
from unbraid_registry import UnbraidError
from unbraid_registry.files import read_json

TIMED, FEWEST = 60, 20                             # steps that are timed, and that any training gets
LARGEST = 8 << 20
Say = Callable[[str], None]


@attrs.define(eq=False)
class Course:
    """A running benchmark.

    steps: the steps of every training, in place of those that the budget is worth, and without tuning.
    after_cell: called after each cell, to write the page.
    written: the files of the page.
    shared: the options of the program for every child process.
    stopped_by: the name of the signal that stopped it, or empty.
    failures: cell -> why it is not done.
    """

    bench: Bench
    suite: Suite
    facts: dict[Cell, Facts]
    steps: int | None = None
    jobs: int | None = None
    shared: Sequence[str] = ()
    say: Say = lambda line: None
    after_cell: Callable[[], None] = lambda: None
    written: list[Path] = attrs.Factory(list)
    stopped_by: str = ""
    failures: dict[str, list[str]] = attrs.Factory(dict)

    def run(self) -> None:
        """Complete all cells; a cell that fails does not stop the others."""
        for number, (cell, facts) in enumerate(self.facts.items(), 1):
            self.say(f"[{number}/{len(self.facts)}] {cell.name}")
            try:
                self._cell(cell, facts)
            except UnbraidError as error:
                self.failures.setdefault(cell.name, []).append(error.message)
                self.say(f"{cell.name} failed: {error.message}")
            if self.stopped_by:
                return
            self.after_cell()

    def _cell(self, cell: Cell, facts: Facts) -> None:
        file = self.bench.write_recipe(cell, facts.recipe)
        chosen = self.bench.choices(cell)
        if "steps" not in chosen:
            chosen = self._chosen_steps(cell, facts, file)
        if "rate" not in chosen and not self.stopped_by and "steps" in chosen:
            chosen = self._chosen_rate(cell, facts, file, chosen["steps"])
        if "rate" not in chosen or self.stopped_by:
            return
        plan = cell.to_measure(file, chosen["steps"], chosen["rate"], self.suite.seeds, facts.recipe)
        study = self._study("cells", cell, plan)
        if self.suite.probe is not None and not self.stopped_by:
            for number, run in enumerate(study.run(point) for point in plan.points):
                self._probe(run, supervised=self.suite.probe.supervised and number == 0 and self._is_first(cell))

    def _chosen_steps(self, cell: Cell, facts: Facts, file: Path) -> dict[str, Any]:
        """Choose the number of steps that the budget is worth, by the processor time of a few."""
        if not facts.recipe.players:
            return self.bench.choose(cell, steps=0, each=None)
        if self.steps is not None:
            return self.bench.choose(cell, steps=self.steps, each=None)
        plan = cell.to_time(file, TIMED)
        study = self._study("timing", cell, plan)
        each = seconds_a_step(study.run(plan.points[0]).folder)
        if each is None:
            return {}
        return self.bench.choose(cell, steps=max(FEWEST, rounded(self.suite.budget / each)), each=each)

    def _chosen_rate(self, cell: Cell, facts: Facts, file: Path, steps: int) -> dict[str, Any]:
        """Choose the factor of the learning rates, by the suite's metric on the validation split."""
        tuning = self.suite.tuning
        untuned = facts.untuned or ("" if len(tuning.rates) > 1 and self.steps is None else "one rate was asked for")
        if untuned:
            return self.bench.choose(cell, rate=1.0, untuned=untuned)
        plan = cell.to_tune(file, max(FEWEST, rounded(steps * tuning.share)), facts.recipe)
        study = self._study("tuning", cell, plan)
        if self.stopped_by:
            return {}
        rows = rows_of_study(study)[0]
        order = {point.name: rate for point, rate in zip(plan.points, tuning.rates, strict=True)}
        scores = {order[row.name]: score for row in rows if (score := row.score(tuning.by)) is not None}
        groups = groups_of(rows)
        best = best_of(groups, tuning.by, is_better_lower(tuning.by, rows))
        if best is None:
            return self.bench.choose(cell, rate=1.0, untuned=f"no try has a score in {tuning.by}")
        return self.bench.choose(cell, rate=order[best.rows[0].name], tries={f"{r:g}": s for r, s in scores.items()})

    def _is_first(self, cell: Cell) -> bool:
        return next(other for other in self.facts if other.data == cell.data) == cell

    def _study(self, part: str, cell: Cell, plan: Plan) -> Study:
        """Train and evaluate the points of a study that are not done, and return it."""
        study = self.bench.study(part, cell)
        with study.locked():
            plan = study.begin(plan)
            recipes = {point: plan.recipe(point) for point in plan.points}
            left = [p for p in plan.points if study.state(p, recipes[p], plan.evaluate) != "done"]
            if left:
                machine = Machine.of([recipes[p] for p in left], self.jobs, len(left))
                sweep = Sweep(study, plan, recipes, machine, 1, self.shared, lambda line: self.say(f"  {part}: {line}"))
                sweep.run(jobs_of(study, left))
                self.stopped_by = sweep.stopped_by
                self._tell(cell, part, sweep.failures)
        return study

    def _tell(self, cell: Cell, part: str, failures: Sequence[Failure]) -> None:
        for failure in failures:
            last = failure.lines[-1] if failure.lines else ""
            self.failures.setdefault(cell.name, []).append(f"{part} {failure.point.name}: {failure.why}; {last}")

    def _probe(self, run: Run, *, supervised: bool) -> None:
        """Probe a run, unless its probe is of its last step."""
        step, wanted = trained_to(run), self.suite.probe
        if wanted is None or step is None or not run.record_file.is_file():
            return
        try:
            known = read_json(run.folder / wanted.file, LARGEST)
            if known["step"] == step and known["labels"] == list(wanted.labels) and (
                    not supervised or "network" in known["accuracy"]):
                return
        except (OSError, ValueError, KeyError, TypeError):
            pass
        self.say(f"  probe: {run.folder.name}")
        probe(run, labels=wanted.labels, fit_on=wanted.fit_on, judge_on=wanted.judge_on, supervised=supervised,
              images=self.suite.images * 2, test_images=self.suite.images, device=str(device_of("auto")))


def rounded(number: float) -> int:
    """Round to two digits, so that a benchmark's steps read well.

    >>> rounded(1234.5), rounded(17.2)
    (1200, 17)
    """
    text = f"{number:.1e}"
    return int(float(text))
