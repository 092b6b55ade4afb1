"""Jobs: the points that one child process trains and evaluates, and the commands for it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import attrs

from unbraid.runs import Run
from unbraid_configs import Recipe
from unbraid_plugins.tools.evaluation import EvaluationOptions
from unbraid_plugins.tools.studies.axes import SEED
from unbraid_plugins.tools.studies.folder import Study
from unbraid_plugins.tools.studies.plan import Plan
from unbraid_plugins.tools.studies.points import Point
from unbraid_registry.files import open_file, parse_json

MOST_JOBS = 8                                      # default limit of parallel jobs on the CPU


@attrs.frozen
class Job:
    """The points of one child process.

    These are one point; or several that differ in their seed alone, to be trained as one model; or several that are
    only evaluated.
    """

    points: tuple[Point, ...]

    @property
    def name(self) -> str:
        """The name of the job in messages."""
        return self.points[0].name + (f" ... {self.points[-1].name}" if len(self.points) > 1 else "")


def jobs_of(study: Study, points: Sequence[Point], together: int = 1) -> list[Job]:
    """Group points into jobs.

    together: the most points of a job; its points have one setting, different seeds and the same last step.
    """
    groups: dict[object, list[Point]] = {}
    for point in points:
        alone = together == 1 or point.seed is None
        groups.setdefault(point if alone else (point.setting, study.step(point)), []).append(point)
    return [Job(tuple(group[i:i + together])) for group in groups.values() for i in range(0, len(group), together)]


def trainings(study: Study, plan: Plan, job: Job, points: Sequence[Point], shared: Sequence[str]) -> list[list[str]]:
    """Return the commands that train points of a job from their last checkpoints.

    One command trains all points of a job of several that are at the same step.

    shared: the options of the whole program, such as --plugin.
    """
    if len(job.points) > 1:
        return [_train_seeds(study, plan, j.points, shared) for j in jobs_of(study, points, len(points))]
    goes_on = ["--resume"] if points and study.run(points[0]).record_file.is_file() else []
    return [_train(study, plan, point, [*goes_on, *shared]) for point in points]


def _train(study: Study, plan: Plan, point: Point, options: Sequence[str]) -> list[str]:
    return ["train", *options, "--out", str(study.run(point).folder), "--yes", *_texts(plan, point)]


def _train_seeds(study: Study, plan: Plan, points: Sequence[Point], options: Sequence[str]) -> list[str]:
    """Return the command that trains several seeds as one model; with --resume it continues existing runs."""
    first = points[0]
    named = Point(tuple((p, "{seed}" if p == SEED else v) for p, v in first.values)).name
    folder = study.runs / named.replace(quote("{seed}"), "{seed}")
    seeds = ",".join(point.seed or "" for point in points)
    before, recipe, *overrides = _texts(plan, first)
    return ["train-seeds", *options, "--out", str(folder), "--yes", "--resume", before, recipe, seeds,
            *(text for text in overrides if text != f"{SEED}={first.seed}")]


def _texts(plan: Plan, point: Point) -> list[str]:
    """Return a point's recipe and overrides after a `--`, so that no text is parsed as an option."""
    return ["--", shown(point.recipe(plan.recipes[0])), *plan.overrides(point)]


def evaluation(study: Study, points: Sequence[Point], options: EvaluationOptions, shared: Sequence[str]) -> list[str]:
    """Return the command that evaluates points; for several points it measures equal baselines once."""
    together = ["--comparison", str(study.folder / "logs" / f"{points[0].name}.html")] if len(points) > 1 else []
    return ["evaluate", *options.options, *together, *shared, "--", *(str(study.run(p).folder) for p in points)]


def evaluations_of(points: Sequence[Point], workers: int) -> list[Job]:
    """Split trained points, which are only evaluated, into one job for each worker."""
    return [Job(tuple(points[i::workers])) for i in range(min(workers, len(points)))]


def lines(study: Study, plan: Plan, jobs: Sequence[Job], shared: Sequence[str]) -> list[str]:
    """Return one POSIX shell line per job, which trains and evaluates its points.

    A line continues where it stopped and repeats nothing. The lines must be executed in the folder where the sweep was
    called.
    """
    made = []
    for job in jobs:
        if len(job.points) == 1:
            run = shlex.quote(str(study.run(job.points[0]).folder))
            train = shlex.join(_train(study, plan, job.points[0], shared)[1:])
            steps = [f"unbraid train $(test -e {run}/run.json && echo --resume) {train}"]
        else:
            steps = [shlex.join(["unbraid", *_train_seeds(study, plan, job.points, shared)])]
        for point in job.points:
            if plan.evaluate is None:
                break
            run = shlex.quote(str(study.run(point).folder))
            evaluate = shlex.join(["unbraid", *evaluation(study, [point], plan.evaluate, shared)])
            steps.append(f"{{ test -e {run}/evaluation.json || {evaluate}; }}")
        made.append(" && ".join(steps))
    return made


def shown(recipe: str) -> str:
    """Return a recipe's name, or its file relative to the current folder."""
    file = Path(recipe)
    return str(file.relative_to(Path.cwd())) if file.is_absolute() and file.is_relative_to(Path.cwd()) else recipe


# -- the machine ------------------------------------------------------------------------------------------------------


@attrs.frozen
class Machine:
    """The machine's resources for parallel jobs.

    jobs: the number of jobs at once.
    threads: the threads of each job.
    gpus: the GPUs' names for CUDA_VISIBLE_DEVICES; empty for the CPU.
    """

    jobs: int
    threads: int
    gpus: tuple[str, ...] = ()

    @classmethod
    def of(cls, recipes: Sequence[Recipe], wanted: int | None, waiting: int) -> Machine:
        """Divide this machine among waiting jobs.

        wanted: the number of jobs at once; None for one on each GPU, or without GPUs one on each core, at most 8.
        waiting: the number of waiting jobs, which is the upper limit.
        """
        gpus = visible_gpus() if any(r.train.device in ("auto", "cuda") for r in recipes) else ()
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        jobs = max(1, min(wanted or (len(gpus) or min(cores, MOST_JOBS)), waiting))
        threads = max(1, cores // jobs)
        own = os.environ.get("OMP_NUM_THREADS", "")
        return cls(jobs, min(threads, int(own)) if own.isdigit() and int(own) else threads, gpus)

    def environment(self, slot: int) -> dict[str, str]:
        """Return the environment variables of the job in a slot, 0 ... jobs - 1."""
        threads = {name: str(self.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        gpu = {"CUDA_VISIBLE_DEVICES": self.gpus[slot % len(self.gpus)]} if self.gpus else {}
        return {**os.environ, "LP_NUM_THREADS": str(self.threads), **threads, **gpu}

    def __str__(self) -> str:
        what = f"{len(self.gpus)} GPU{'s' * (len(self.gpus) != 1)}" if self.gpus else (
            f"{self.threads} thread{'s' * (self.threads != 1)} each")
        return f"{self.jobs} at once, {what}"


def visible_gpus() -> tuple[str, ...]:
    """Return the GPUs that CUDA_VISIBLE_DEVICES names, or all; empty without CUDA."""
    import torch

    if not torch.cuda.is_available():
        return ()
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return tuple(n.strip() for n in named.split(",")) if named else tuple(map(str, range(torch.cuda.device_count())))


def last_lines(log: Path, count: int = 3) -> list[str]:
    """Return the last lines of a log that are not blank."""
    try:
        with open_file(log) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 20_000))
            text = file.read(20_000).decode("utf-8", errors="replace")
    except OSError:
        return []
    return [line.strip() for line in text.split("\n") if line.strip()][-count:]


def last_step(run: Run) -> int | None:
    """Return the last step that a run has logged; None before the first."""
    for line in reversed(last_lines(run.metrics_file, 2)):
        with suppress(ValueError, KeyError, TypeError):
            return int(parse_json(line)["step"])
    return None
