"""`unbraid evaluate`: what models learned, in numbers and pictures, beside controls."""

from __future__ import annotations

import json
from pathlib import Path

import click

from unbraid.cli.models import DEVICE
from unbraid.cli.program import Command
from unbraid.cli.session import Session


@click.command("evaluate", cls=Command)
@click.argument("runs", nargs=-1, required=True, metavar="RUN [RUN ...]", type=click.Path(path_type=Path))
@click.option("--images", default=2000, show_default=True, type=click.IntRange(2), help="At most so many test images.")
@click.option("--seed", default=0, show_default=True, help="Of what is random in the metrics.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON instead of a table.")
@DEVICE
@click.pass_obj
def command(session: Session, runs: tuple[Path, ...], images: int, seed: int, as_json: bool, device: str) -> None:
    """Measure what models learned, beside controls.

    Writes evaluation.json and pictures into each run and prints a table; several runs stand side by side.
    """
    from unbraid.engine import device_of
    from unbraid.evaluation import evaluate, table
    from unbraid.record import Run

    opened = [Run.at(run) for run in runs]
    place = str(device_of(device))
    results = []
    for run in opened:
        session.run = run.folder
        click.echo(f"evaluating {run.folder} ...", err=True)
        results.append((str(run.folder), evaluate(run, images=images, seed=seed, device=place)))
    if as_json:
        click.echo(json.dumps(dict(results), indent=1))
        return
    click.echo(table(results))
    for run, (_, result) in zip(opened, results, strict=True):
        click.echo(f"wrote {run.folder / 'evaluation.json'}")
        for path in result.get("pictures", {}).values():
            click.echo(f"wrote {path}")
