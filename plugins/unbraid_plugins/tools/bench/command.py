"""`unbraid bench`: methods x data x seeds by one protocol, and one page of what came out."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from unbraid.cli import SIGNALS, Session, columns
from unbraid_registry.terminal import echo, style

if TYPE_CHECKING:
    from unbraid_plugins.tools.bench.cells import Cell
    from unbraid_plugins.tools.bench.facts import Facts
    from unbraid_plugins.tools.bench.folder import Bench
    from unbraid_plugins.tools.bench.suite import Suite

QUICK_STEPS, QUICK_IMAGES = 20, 100


@click.command("bench")
@click.argument("suite", required=False, metavar="[SUITE]")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="The benchmark's folder (default: runs/bench-SUITE). The same command again goes on with it.")
@click.option("--methods", metavar="NAME,NAME", help="Only these methods of the suite.")
@click.option("--seeds", type=click.IntRange(1), metavar="N", help="Seeds of each method (default: the suite's).")
@click.option("--budget", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
              help="Processor seconds of each training (default: the suite's).")
@click.option("--quick", is_flag=True, help=f"Try the suite: {QUICK_STEPS} steps, one seed, no tuning. The scores say "
              "nothing.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Trainings at once (default: as for sweep).")
@click.option("--plan", "only_plan", is_flag=True, help="Check everything, print the cells, and start nothing.")
@click.option("--only-page", is_flag=True, help="Start nothing; write the page of what is there.")
@click.pass_obj
def command(session: Session, suite: str | None, out: Path | None, methods: str | None, seeds: int | None,
            budget: float | None, quick: bool, jobs: int | None, only_plan: bool, only_page: bool) -> int:
    """Compare methods on the same data, by one protocol.

    Trains every method of a suite on the same images and splits, for the same processor seconds, at the learning rate
    that was best on the validation split, with several seeds; measures all by the same metrics, beside baselines; and
    writes results.md and results.json. Without a SUITE, lists the suites. Stop it at any time: the same command
    continues, and nothing that is done is done again.
    """
    from unbraid_plugins.tools.bench.cells import cells_of
    from unbraid_plugins.tools.bench.facts import all_facts
    from unbraid_plugins.tools.bench.folder import Bench
    from unbraid_plugins.tools.bench.suites import find_suite

    if suite is None:
        listed()
        return 0
    chosen = find_suite(suite).only(tuple(m.strip() for m in methods.split(",")) if methods else ())
    chosen = attrs.evolve(chosen, seeds=1 if quick else seeds or chosen.seeds, budget=budget or chosen.budget,
                          images=QUICK_IMAGES if quick else chosen.images)
    facts = all_facts(cells_of(chosen))
    if only_plan:
        show_plan(chosen, facts)
        return 0
    bench = Bench((out or Path("runs", f"bench-{chosen.name}{'-quick' * quick}")).expanduser())
    session.run = bench.folder
    with bench.locked():
        bench.begin(chosen)
        return carried_out(session, bench, chosen, facts, QUICK_STEPS if quick else None, jobs, only_page)


def carried_out(session: Session, bench: Bench, suite: Suite, facts: dict[Cell, Facts], steps: int | None,
                jobs: int | None, only_page: bool) -> int:
    """Run the cells that are not done and write the page; return the exit code."""
    from unbraid_plugins.tools.bench.course import Course
    from unbraid_plugins.tools.bench.page import write_page
    from unbraid_plugins.tools.studies import options_of

    again = shlex.join(["unbraid", *sys.argv[1:]])
    course = Course(bench, suite, facts, steps, jobs, options_of(session), lambda line: echo(line, err=True))

    def write() -> None:
        course.written = write_page(bench, suite, facts, course.failures, again)

    course.after_cell = write
    if not only_page:
        course.run()
    write()
    for path in course.written:
        echo(f"wrote {path}")
    if course.stopped_by:
        echo(f"\nStopped by {course.stopped_by}; nothing is lost. Go on with:\n  {again}", err=True)
        return SIGNALS[course.stopped_by]
    for name, reasons in course.failures.items():
        echo(f"{name} failed: {reasons[0]}", err=True, fg="yellow")
    return 2 if course.failures else 0


def listed() -> None:
    """Print the suites."""
    from unbraid_plugins.tools.bench.suites import all_suites, find_suite

    rows = []
    for name in all_suites():
        suite = find_suite(name)
        rows.append((name, str(len(suite.methods)), ", ".join(suite.data), f"{suite.budget:g} s",
                     str(suite.seeds), suite.title))
    echo(columns(rows, ("suite", "methods", "data", "a training", "seeds", ""), numbers=(1, 3, 4)))
    echo("\nNext:  unbraid bench SUITE --plan", err=True)


def show_plan(suite: Suite, facts: dict[Cell, Facts]) -> None:
    """Print the cells of a suite, and what its trainings cost."""
    echo(style(suite.title, bold=True))
    rows = [(cell.method, cell.data, f"{f.model:,}", f"{f.helpers:,}", "; ".join(f.annotation) or "none")
            for cell, f in facts.items()]
    echo(columns(rows, ("method", "data", "model", "helpers", "annotation"), numbers=(2, 3)))
    for name, entry in suite.methods.items():
        for data, why in entry.blind.items():
            echo(f"{name} is not trained on {data}: {why}")
    trained = [cell for cell, f in facts.items() if f.recipe.players]
    tuned = [cell for cell in trained if not facts[cell].untuned and len(suite.tuning.rates) > 1]
    seconds = suite.budget * (len(trained) * suite.seeds + len(tuned) * len(suite.tuning.rates) * suite.tuning.share)
    echo(f"{len(facts)} cells, {suite.seeds} seeds: {seconds / 60:.0f} processor minutes of training, and as many "
         "evaluations beside them", err=True)
