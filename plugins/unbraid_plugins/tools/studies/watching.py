"""The course of a study whose jobs run elsewhere, as its folder alone shows it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

import attrs

from unbraid.cli import columns
from unbraid.engine import duration
from unbraid.runs import Run, RunError, is_free
from unbraid_configs import Recipe
from unbraid_plugins.tools.evaluation import EVALUATING
from unbraid_plugins.tools.studies.folder import Study
from unbraid_plugins.tools.studies.jobs import last_step
from unbraid_plugins.tools.studies.plan import Plan
from unbraid_plugins.tools.studies.points import Point
from unbraid_registry.terminal import Shown, echo, lines

PAUSE = 5.0                                        # seconds between two looks
QUIET = 120.0                                      # seconds without a sign, after which nothing seems to run
TITLES = ("run", "state", "step", "last sign")


@attrs.frozen
class Seen:
    """The state of a run, as its folder shows it.

    state: waiting, training, stopped, to evaluate, evaluating, done, or damaged.
    last: seconds since its log, record or evaluation was written; None without any.
    """

    name: str
    state: str
    step: int
    steps: int
    last: float | None
    remark: str = ""

    @property
    def ago(self) -> str:
        """The time since the last sign, in words."""
        return "" if self.last is None else f"{duration(self.last)} ago"


def seen(study: Study, plan: Plan, recipes: Mapping[Point, Recipe]) -> list[Seen]:
    """Look at every run of a study."""
    return [_seen(study, plan, point, recipe) for point, recipe in recipes.items()]


def _seen(study: Study, plan: Plan, point: Point, recipe: Recipe) -> Seen:
    run, steps = study.run(point), recipe.train.steps
    last = _last_sign(run)
    try:
        state = study.state(point, recipe, plan.evaluate)
        sessions = run.record().get("sessions") or [{}] if state != "new" else [{}]
    except RunError as error:
        return Seen(point.name, "damaged", 0, steps, last, error.message)
    step = last_step(run) or study.step(point)
    works = last is not None and last < QUIET
    if state == "begun":
        ended = str(sessions[-1].get("exit") or "")
        if not ended and (works or not is_free(run.folder)):
            return Seen(point.name, "training", step, steps, last)
        return Seen(point.name, "stopped", step, steps, last, ended or "ended without a word")
    if state == "trained":
        return Seen(point.name, "to evaluate" if is_free(run.folder, EVALUATING) else "evaluating", step, steps, last)
    return Seen(point.name, {"new": "waiting"}.get(state, state), step, steps, last)


def _last_sign(run: Run) -> float | None:
    times = []
    for file in (run.metrics_file, run.record_file, run.folder / "evaluation.json"):
        try:
            times.append(file.stat().st_mtime)
        except OSError:
            continue
    return max(0.0, time.time() - max(times)) if times else None


def table(found: list[Seen]) -> Shown:
    """Return a line for every run that is not done, and how many are in which state."""
    rows = [[s.name, s.state, f"{s.step:,} of {s.steps:,}", s.ago, s.remark] for s in found if s.state != "done"]
    counts = Counter(s.state for s in found)
    steps = sum(min(s.step, s.steps) for s in found) / max(1, sum(s.steps for s in found))
    summary = f"{len(found)} runs: {', '.join(f'{n} {state}' for state, n in counts.items())}; {steps:.0%} of all steps"
    return lines([columns(rows, (*TITLES, "")), "", summary] if rows else [summary])


def watch(study: Study, plan: Plan, recipes: Mapping[Point, Recipe]) -> int:
    """Show the table until every run is done or Ctrl-C is pressed; once where nobody looks, as in a pipe."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console()
    found = seen(study, plan, recipes)
    if not console.is_terminal:
        echo(table(found))
        return 0
    with Live(Text.from_ansi(table(found)), console=console, auto_refresh=False) as live:
        while any(s.state != "done" for s in found):
            time.sleep(PAUSE)
            found = seen(study, plan, recipes)
            live.update(Text.from_ansi(table(found)), refresh=True)
    return 0
