"""`unbraid probe`: small classifiers on frozen codes, with few labels and with many."""

from __future__ import annotations

from pathlib import Path

import click

from unbraid.cli import DEVICE, SET, Session
from unbraid_registry.files import to_json
from unbraid_registry.terminal import echo


@click.command("probe")
@click.argument("runs", nargs=-1, required=True, metavar="RUN [RUN ...]", type=click.Path(path_type=Path))
@SET
@click.option("--labels", default="1,5,20,100,all", show_default=True, metavar="N,N,all",
              help="How many images of every class are labelled.")
@click.option("--draws", default=3, show_default=True, type=click.IntRange(1), help="How often few labels are drawn.")
@click.option("--neighbours", default=1, show_default=True, type=click.IntRange(1), help="How many of them vote.")
@click.option("--from", "fit_on", metavar="SOURCE", help="Fit on images of this source (default: the first draw's).")
@click.option("--to", "judge_on", metavar="SOURCE", help="Judge on images of this source (default: the same).")
@click.option("--images", default=5000, show_default=True, type=click.IntRange(2),
              help="At most so many training images.")
@click.option("--test-images", default=2000, show_default=True, type=click.IntRange(2),
              help="At most so many test images.")
@click.option("--supervised", is_flag=True,
              help="Also train small networks on the same labels, from pixels: an upper bound, in minutes.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2 ** 32 - 1),
              help="Of the choice of images and labels.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON instead of a table.")
@click.option("--report/--no-report", default=True, show_default=True, help="Whether to write the report, as HTML.")
@DEVICE
@click.pass_obj
def command(session: Session, runs: tuple[Path, ...], labels: str, draws: int, neighbours: int, fit_on: str | None,
            judge_on: str | None, images: int, test_images: int, supervised: bool, seed: int, as_json: bool,
            report: bool, device: str) -> None:
    """Fit classifiers on frozen codes, with few labels and many.

    For every factor, fits a linear and a nearest-neighbour classifier on the whole code and on its parts, beside raw
    pixels and an untrained encoder. They are fitted on training images and judged on test images. Writes probe.json, a
    picture and report.html into each run and prints a table.
    """
    from unbraid.engine import device_of
    from unbraid.runs import Run
    from unbraid_plugins.tools.probing import probe, table
    from unbraid_plugins.tools.reports import write_report

    opened = [Run.at(run).in_folder() for run in runs]
    place, results = str(device_of(device)), []
    for run in opened:
        session.run = run.folder
        echo(f"probing {run.folder} ...", err=True)
        result = probe(run, fit_on=fit_on, judge_on=judge_on, labels=labels.split(","), draws=draws,
                       neighbours=neighbours, images=images, test_images=test_images, seed=seed, supervised=supervised,
                       device=place, overrides=session.overrides)
        results.append((str(run.folder), result))
    if as_json:
        echo(to_json(dict(results), indent=1))
    else:
        echo(table(results))
        for _, result in results:
            echo(f"wrote {result['file']}\nwrote {result['picture']}")
    for run in opened if report else ():
        echo(f"wrote {write_report(run.folder)}", err=as_json)
