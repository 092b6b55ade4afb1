"""`unbraid evaluate`: scores and pictures of trained models, beside baselines."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click

from unbraid.cli import DEVICE, SET, Session, say
from unbraid_registry import UnbraidError


@click.command("evaluate")
@click.argument("runs", nargs=-1, required=True, metavar="RUN [RUN ...]", type=click.Path(path_type=Path))
@SET
@click.option("--protocol", default="quick", show_default=True, metavar="quick|study",
              help="quick: a few thousand images; study: the counts of Locatello et al. 2019.")
@click.option("--metrics", metavar="NAME,NAME", help="Only these (unbraid list metric), and what they ask for.")
@click.option("--images", type=click.IntRange(2), help="At most so many test images (default: the protocol's).")
@click.option("--source", metavar="NAME", help="The source that is measured on (default: the first draw's).")
@click.option("--seed", default=0, show_default=True, help="Of what is random in the metrics.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON instead of a table.")
@click.option("--comparison", default="comparison.html", show_default=True, metavar="FILE",
              type=click.Path(path_type=Path, dir_okay=False), help="The report that compares several runs.")
@click.option("--report/--no-report", default=True, show_default=True, help="Whether to write reports, as HTML.")
@DEVICE
@click.pass_obj
def command(session: Session, runs: tuple[Path, ...], protocol: str, metrics: str | None, images: int | None,
            source: str | None, seed: int, as_json: bool, comparison: Path,
            report: bool, device: str) -> None:
    """Measure what models learned, beside baselines.

    Writes evaluation.json, pictures and report.html into each run and prints a table. Several runs share one table, and
    an additional report compares them. Results of an earlier evaluation that are not measured anew are kept.
    """
    from unbraid.engine import device_of
    from unbraid.runs import Run
    from unbraid_plugins.tools.evaluation import Baselines, evaluate, protocol_of, table

    opened = [Run.at(run) for run in runs]
    place, results, baselines = str(device_of(device)), [], Baselines()
    chosen, names = protocol_of(protocol), None if metrics is None else [n.strip() for n in metrics.split(",")]
    for run in opened:
        session.run = run.folder
        click.echo(f"evaluating {run.folder} ...", err=True)
        result = evaluate(run, protocol=chosen, metrics=names, images=images, source=source, seed=seed, device=place,
                          baselines=baselines, overrides=session.overrides)
        results.append((str(run.folder), result))
    if as_json:
        click.echo(json.dumps(dict(results), indent=1))
    else:
        click.echo(table(results))
        for run, (_, result) in zip(opened, results, strict=True):
            kept = f"  (kept from before: {', '.join(result['kept'])})" if result.get("kept") else ""
            click.echo(f"wrote {run.folder / 'evaluation.json'}{kept}")
            for path in result.get("pictures", {}).values():
                click.echo(f"wrote {path}")
    if report:
        write_reports([run.folder for run in opened], comparison, quiet=as_json)


def write_reports(folders: Sequence[Path], comparison: Path, *, quiet: bool) -> None:
    """Write a report into each run's folder and, for several runs, one that compares them.

    If a report can't be written, the others are still written. The last error is raised at the end, earlier ones are
    printed.
    """
    from unbraid_plugins.tools.reports import write_comparison, write_report

    writers: list[Callable[[], Path]] = [partial(write_report, folder) for folder in folders]
    if len(folders) > 1:
        writers.append(partial(write_comparison, folders, comparison))
    failed: list[UnbraidError] = []
    for write in writers:
        try:
            click.echo(f"wrote {write()}", err=quiet)
        except UnbraidError as error:
            failed.append(error)
    for other in failed[:-1]:
        say(other.message, other.hint)
    if failed:
        raise failed[-1]
