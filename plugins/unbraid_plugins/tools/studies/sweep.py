"""`unbraid sweep`: train a recipe at many points and over many seeds, into a folder of runs with tables and plots."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unbraid.cli import Session, columns
from unbraid_registry import UnbraidError
from unbraid_registry.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unbraid_plugins.tools.evaluation import EvaluationOptions
    from unbraid_plugins.tools.studies.folder import Study
    from unbraid_plugins.tools.studies.jobs import Job
    from unbraid_plugins.tools.studies.plan import Plan
    from unbraid_plugins.tools.studies.points import Point
    from unbraid_plugins.tools.studies.runner import Sweep

SIGNALS = {"SIGHUP": 129, "SIGINT": 130, "SIGTERM": 143}           # exit codes of a sweep that a signal stopped


@click.command("sweep")
@click.argument("recipe", required=False, metavar="RECIPE")
@click.argument("axes", nargs=-1, metavar="[a.b=1,4,16 ...] [seed=0..9]")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), metavar="STUDY",
              help="The study's folder. The same command again goes on with it; more values make it grow.")
@click.option("--resume", is_flag=True, help="Go on with the study in --out; no recipe is needed.")
@click.option("--jobs", type=click.IntRange(1), metavar="N",
              help="Runs at once (default: one on each GPU; without a GPU one on each core, at most 8).")
@click.option("--retries", type=click.IntRange(0), default=1, show_default=True, metavar="K",
              help="Begin a run that fails again so many times, from its checkpoint.")
@click.option("--batched", type=click.IntRange(1), default=1, metavar="N",
              help="Train up to N seeds of a setting as one model.")
@click.option("--evaluate", metavar="OPTIONS", help="Options for `unbraid evaluate`, in quotes: '--images 1000'.")
@click.option("--no-evaluate", is_flag=True, help="Train alone.")
@click.option("--list", "job_list", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), metavar="FILE",
              help="Write a shell line for every run that is left, for other machines, and start nothing.")
@click.option("--slurm", metavar="OPTIONS", help="Write an array for Slurm over the runs that are left, with these "
              "options for sbatch, in quotes: '--time=4:00:00 --gpus-per-task=1'. --jobs is the most tasks at once.")
@click.option("--submit", is_flag=True, help="Hand the array of --slurm to sbatch.")
@click.option("--watch", is_flag=True, help="Show how far every run is, of a study that is trained elsewhere.")
@click.option("--only-table", is_flag=True, help="Start nothing; write tables and plots of the runs that are there.")
@click.pass_obj
def command(session: Session, recipe: str | None, axes: tuple[str, ...], out: Path, resume: bool, jobs: int | None,
            retries: int, batched: int, evaluate: str | None, no_evaluate: bool, job_list: Path | None,
            slurm: str | None, submit: bool, watch: bool, only_table: bool) -> int:
    """Train and evaluate a recipe at many points and over many seeds.

    RECIPE is a name or a file, or several with commas. a.b=1,4,16 gives three values, seed=0..9 ten; several such axes
    give every combination. a.b:c.d=1:10,2:20 varies two paths together. A single value holds for all runs.
    """
    from unbraid_plugins.tools.studies.folder import Study
    from unbraid_plugins.tools.studies.jobs import Machine, evaluations_of, jobs_of, lines
    from unbraid_plugins.tools.studies.runner import Sweep

    if recipe is not None and "=" in recipe:
        axes = (recipe, *axes)
        recipe = None
    if submit and slurm is None:
        raise click.UsageError("--submit hands over what --slurm OPTIONS writes")
    if watch:
        return watched(Study.at(out))
    if recipe is None and not (resume or only_table):
        raise click.UsageError("name a recipe, for example: unbraid sweep beta-vae weights.beta=1,4,16 seed=0..4 "
                               "--out study")
    study = Study(out.expanduser())
    with study.locked():
        plan = study.begin(planned(study, recipe, axes, evaluate, no_evaluate))
        points, notes = study.points(plan)
        for note in notes:
            echo(note, fg="yellow", err=True)
        recipes = {p: plan.recipe(p) for p in points}
        states = {p: study.state(p, recipes[p], plan.evaluate) for p in points}
        left = [p for p in points if states[p] != "done"]
        if job_list is not None:
            write_list(study, plan, jobs_of(study, left, batched), job_list, options_of(session))
            return 0
        if slurm is not None:
            to_do = lines(study, plan, jobs_of(study, left, batched), options_of(session))
            hand_over(study, to_do, slurm, jobs, submit)
            return 0
        code = 0
        if not only_table:
            echo(f"{len(points)} runs, {len(points) - len(left)} of them done", err=True)
            if left:
                machine = Machine.of([recipes[p] for p in left], jobs, len(left))
                work = [*jobs_of(study, [p for p in left if states[p] != "trained"], batched),
                        *evaluations_of([p for p in left if states[p] == "trained"], machine.jobs)]
                sweep = Sweep(study, plan, recipes, machine, retries, options_of(session), tell)
                code = carry_out(session, sweep, work)
        if code not in SIGNALS.values():
            finish_reports(study, plan, points)
            conclude(study)
    return code


def planned(study: Study, recipe: str | None, axes: tuple[str, ...], evaluate: str | None, no_evaluate: bool) -> Plan:
    """Return the plan of the command line or, without a recipe, that of the study.

    --evaluate and --no-evaluate replace the study's evaluation options. Raises UnbraidError.
    """
    import attrs

    from unbraid_plugins.tools.studies.folder import Study
    from unbraid_plugins.tools.studies.plan import Plan

    if evaluate is not None and no_evaluate:
        raise click.UsageError("--evaluate and --no-evaluate exclude each other")
    options = None if no_evaluate else evaluation_of(evaluate or "")
    if recipe is not None:
        return Plan.of(whole_names(recipe), axes, options)
    if axes:
        raise click.UsageError("name the recipe too, to give the study more values")
    plan = Study.at(study.folder).plan()
    return plan if evaluate is None and not no_evaluate else attrs.evolve(plan, evaluate=options)


def evaluation_of(text: str) -> EvaluationOptions:
    """Parse the options of `unbraid evaluate`; a mistake is found here, before any run starts."""
    from unbraid_plugins.tools.evaluation import EvaluationOptions

    try:
        return EvaluationOptions.of(shlex.split(text), f"--evaluate {text!r}")
    except ValueError as error:
        raise click.UsageError(f"--evaluate {text!r}: {error}") from None


def whole_names(recipe: str) -> list[str]:
    """Split a text with commas into names of recipes.

    Files get absolute paths, so that a study can be resumed from any folder. Raises UnbraidError for a repeated recipe.
    """
    from unbraid_configs import is_path, whole_name
    from unbraid_registry import registry

    names = [recipe] if Path(recipe).is_file() else [part.strip() for part in recipe.split(",")]
    whole = [str(Path(n).expanduser().resolve()) if is_path(n) or Path(n).is_file() else whole_name(n, registry())
             for n in names]
    twice = [n for n in whole if whole.count(n) > 1]
    if twice:
        raise UnbraidError(f"the recipe {twice[0]} stands there twice")
    return whole


def carry_out(session: Session, sweep: Sweep, work: list[Job]) -> int:
    """Run the remaining jobs; return the exit code."""
    count = sum(len(job.points) for job in work)
    tell(f"{count} to go, {sweep.machine}; the trainings' own words are in {sweep.study.folder / 'logs'}")
    tell("Ctrl-C stops them with checkpoints.")
    sweep.run(work)
    return farewell(session, sweep.study, sweep)


def tell(line: str) -> None:
    """Print a line for the user on stderr."""
    echo(line, err=True)


def finish_reports(study: Study, plan: Plan, points: Sequence[Point]) -> None:
    """Write the reports of evaluated runs that have none, because whatever evaluated them was stopped before."""
    from unbraid_plugins.tools.reports import write_report

    if plan.evaluate is None or plan.evaluate.report is False:
        return
    for folder in (study.run(point).folder for point in points):
        if (folder / "evaluation.json").is_file() and not (folder / "report.html").exists():
            try:
                tell(f"wrote {write_report(folder)}")
            except UnbraidError as error:          # tables are written all the same
                tell(f"no report of {folder}: {error.message}")


def conclude(study: Study) -> None:
    """Write tables and plots of the evaluated runs, and print their paths."""
    from unbraid_plugins.tools.studies.results import with_ranking, write_results
    from unbraid_plugins.tools.studies.scores import rows_of_study

    rows, _ = rows_of_study(study)
    if not rows:
        echo("\nNo run has an evaluation, so there are no tables yet.", err=True)
        return
    echo("", err=True)
    for path in write_results(study, with_ranking(study.folder, rows)):
        echo(f"wrote {path}", err=True)
    echo(f"Next:  unbraid compare {shlex.quote(str(study.folder))}", err=True)


def farewell(session: Session, study: Study, sweep: Sweep) -> int:
    """Print the failures, or how to resume after a signal; return the exit code."""
    if sweep.stopped_by:
        again = shlex.join(["unbraid", "sweep", "--resume", "--out", str(study.folder), *options_of(session)])
        echo(f"\nStopped by {sweep.stopped_by}; nothing is lost. Go on with:\n  {again}", err=True)
        return SIGNALS[sweep.stopped_by]
    if not sweep.failures:
        return 0
    rows = [(f.point.name, f.why if i == 0 else "", line) for f in sweep.failures
            for i, line in enumerate(f.lines or ("",))]
    count = len(sweep.failures)
    echo(f"\n{count} run{'s' * (count != 1)} failed; the others are done.\n", err=True)
    echo(columns(rows, ("run", "why", "last lines of its log")), err=True)
    echo(f"\nTheir logs are in {study.folder / 'logs'}. The same command again tries them again.", err=True)
    return 2


def write_list(study: Study, plan: Plan, left: list[Job], file: Path, shared: list[str]) -> None:
    """Write the job list and print how to use it; `-` prints the list itself."""
    from unbraid.runs import write_whole
    from unbraid_plugins.tools.studies.jobs import lines

    made = lines(study, plan, left, shared)
    if str(file) == "-":
        echo("\n".join(made))
        return
    write_whole(file, "".join(f"{line}\n" for line in made))
    echo(f"wrote {file}: {len(made)} jobs, one a line; for example: parallel --jobs 4 < {shlex.quote(str(file))}",
         err=True)
    echo(f"Then: unbraid sweep --resume --only-table --out {shlex.quote(str(study.folder))}", err=True)


def hand_over(study: Study, lines: list[str], options: str, at_once: int | None, submit: bool) -> None:
    """Write an array for Slurm, submit it if wanted, and print what comes next."""
    from unbraid_plugins.tools.studies.slurm import refuse_second, write_array

    folder = shlex.quote(str(study.folder))
    if not lines:
        echo(f"nothing is left to do\nNext:  unbraid sweep --resume --only-table --out {folder}", err=True)
        return
    if submit:
        refuse_second(study)
    array = write_array(study, lines, options, at_once)
    echo(f"wrote {array.script}: {len(lines)} task{'s' * (len(lines) != 1)}", err=True)
    if submit:
        echo(f"submitted as array {array.submit()}", err=True)
    else:
        echo(f"Submit it:  sbatch {shlex.quote(str(array.script))}", err=True)
    echo(f"Look on:    unbraid sweep --watch --out {folder}\n"
         f"At its end: unbraid sweep --resume --only-table --out {folder}", err=True)


def watched(study: Study) -> int:
    """Show the course of a study; return the exit code."""
    from unbraid_plugins.tools.studies.watching import watch

    plan = study.plan()
    return watch(study, plan, {p: plan.recipe(p) for p in study.points(plan)[0]})


def options_of(session: Session) -> list[str]:
    """Return the options of the whole program, for child processes."""
    found = [part for file in session.files for part in ("--plugin", str(file.expanduser().resolve()))]
    found += [part for name in session.block for part in ("--no-plugin", name)]
    found += ["--strict"] if session.strict else []
    return [*found, *(["--follow-links"] if session.follow_links else [])]
