"""`unbraid evaluate`: scores and pictures of trained models, beside baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import click

from unbraid.cli import SET, Session, say
from unbraid_plugins.tools.evaluation.options import EvaluationOptions, evaluation_options
from unbraid_registry import UnbraidError
from unbraid_registry.files import to_json
from unbraid_registry.terminal import echo


@click.command("evaluate")
@click.argument("runs", nargs=-1, required=True, metavar="RUN [RUN ...]", type=click.Path(path_type=Path))
@SET
@evaluation_options
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON instead of a table.")
@click.option("--comparison", default="comparison.html", show_default=True, metavar="FILE",
              type=click.Path(path_type=Path, dir_okay=False), help="The report that compares several runs.")
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

    given = EvaluationOptions.given(click.get_current_context()).options
    opened, reports = [Run.at(run).in_folder() for run in runs], Reports()
    place, results, baselines = str(device_of(device)), [], Baselines()
    chosen, names = protocol_of(protocol), None if metrics is None else [n.strip() for n in metrics.split(",")]
    for run in opened:
        session.run = run.folder
        echo(f"evaluating {run.folder} ...", err=True)
        result = evaluate(run, protocol=chosen, metrics=names, images=images, source=source, seed=seed, device=place,
                          baselines=baselines, overrides=session.overrides, options=given,
                          before=partial(reports.write, run.folder) if report else lambda result: None)
        results.append((str(run.folder), result))
    if as_json:
        echo(to_json(dict(results), indent=1))
    else:
        echo(table(results))
        for run, (_, result) in zip(opened, results, strict=True):
            kept = f"  (kept from before: {', '.join(result['kept'])})" if result.get("kept") else ""
            echo(f"wrote {run.folder / 'evaluation.json'}{kept}")
            for path in result.get("pictures", {}).values():
                echo(f"wrote {path}")
    if report:
        reports.compare([run.folder for run in opened], comparison)
        reports.tell(quiet=as_json)


@attrs.define
class Reports:
    """The reports of runs and of their comparison; if one can't be written, the others are still written."""

    written: list[Path] = attrs.Factory(list)
    failed: list[UnbraidError] = attrs.Factory(list)

    def write(self, folder: Path, result: dict[str, Any]) -> None:
        """Write the report of a run whose evaluation is not written yet."""
        from unbraid_plugins.tools.reports import write_report

        self._try(lambda: write_report(folder, result))

    def compare(self, folders: Sequence[Path], file: Path) -> None:
        """Write the comparison of several runs."""
        from unbraid_plugins.tools.reports import write_comparison

        if len(folders) > 1:
            self._try(lambda: write_comparison(folders, file))

    def _try(self, write: Callable[[], Path]) -> None:
        try:
            self.written.append(write())
        except UnbraidError as error:
            self.failed.append(error)

    def tell(self, *, quiet: bool) -> None:
        """Print what was written; print earlier errors and raise the last one."""
        for path in self.written:
            echo(f"wrote {path}", err=quiet)
        for other in self.failed[:-1]:
            say(other.message, other.hint)
        if self.failed:
            raise self.failed[-1]
