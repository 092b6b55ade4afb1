"""`unbraid compare`: compare runs over seeds, beside baselines, and rank them without labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unbraid.cli import DEVICE, SET, Session, columns, overrides_given
from unbraid_registry import UnbraidError
from unbraid_registry.files import to_json
from unbraid_registry.terminal import echo

if TYPE_CHECKING:
    from unbraid_plugins.tools.studies.groups import Group
    from unbraid_plugins.tools.studies.scores import Row
    from unbraid_plugins.tools.studies.udr import Ranked


@click.command("compare")
@click.argument("places", nargs=-1, required=True, metavar="STUDY | RUN ...", type=click.Path(path_type=Path))
@click.option("--by", metavar="AXIS", help="Group by one axis; runs that differ in others count as repetitions.")
@click.option("--metric", "metrics", multiple=True, metavar="NAME",
              help="Of one metric, more than its mean; may be given several times. dci.completeness: a part of one.")
@click.option("--sort", metavar="COLUMN", help="A column of the table, best or largest first; name: the study's order.")
@click.option("--correlation", is_flag=True, help="The rank correlation of the metrics over the runs.")
@click.option("--select", type=click.Choice(["udr"]), help="Rank settings and models without labels.")
@click.option("--similarity", type=click.Choice(["lasso", "spearman"]), default="lasso", show_default=True,
              help="How --select compares two numbers of a code; lasso is the paper's.")
@click.option("--images", default=1000, show_default=True, type=click.IntRange(10), help="That --select encodes.")
@DEVICE
@SET
@click.option("--csv", "as_csv", is_flag=True, help="Print the groups as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_obj
def command(session: Session, places: tuple[Path, ...], by: str | None, metrics: tuple[str, ...], sort: str | None,
            correlation: bool, select: str | None, similarity: str, images: int, device: str, as_csv: bool,
            as_json: bool) -> None:
    """Compare runs over seeds, beside baselines, and rank them without labels.

    The runs of one study are grouped by its axes, several runs (or studies) by the differences of their recipes.
    """
    from unbraid_plugins.tools.studies.groups import as_json as rows_as_json, groups_of
    from unbraid_plugins.tools.studies.results import with_ranking
    from unbraid_plugins.tools.studies.scores import known_metric, metrics_of, rows_of
    from unbraid_plugins.tools.studies.tables import groups_csv

    rows, notes = rows_of([place.expanduser() for place in places])
    for note in notes:
        echo(note, fg="yellow", err=True)
    if not rows:
        raise UnbraidError("there is nothing to compare: no run has an evaluation",
                           hint="unbraid evaluate RUN, or unbraid sweep --resume --out STUDY")
    rows = with_ranking(places[0], rows)
    if select:
        rows = chosen(places, rows, by, similarity, images, device, quiet=as_csv or as_json)
    wanted = [known_metric(m, rows) for m in metrics] or metrics_of(rows)
    groups = groups_of(rows, by)
    if as_json:
        echo(to_json(rows_as_json(rows, groups, wanted), indent=1))
    elif as_csv:
        echo(groups_csv(rows, groups, wanted), nl=False)
    elif not select or metrics:
        show(rows, groups, wanted, sort, correlation, one=len(metrics) == 1)


def show(rows: list[Row], groups: list[Group], metrics: list[str], sort: str | None, correlation: bool, one: bool
         ) -> None:
    """Print the tables of scores, and of rank correlations if wanted."""
    from unbraid_plugins.tools.studies.statistics import rank_correlation
    from unbraid_plugins.tools.studies.tables import correlation_table, many_metrics, one_metric

    if one:
        cells, baselines = one_metric(rows, groups, metrics[0], sort or "mean")
        echo(columns([*cells[1:], *baselines], cells[0], numbers=range(1, 6)))
        echo("\nBrackets: 95 % by bootstrap over runs; from few seeds they are too narrow.", err=True)
    else:
        for number, table in enumerate(many_metrics(rows, groups, metrics, sort or "name")):
            echo(("\n" if number else "") + columns(table[1:], table[0], numbers=[1]))
        echo("\nMeans ± standard deviations over runs; baselines are indented.", err=True)
    if correlation:
        rho, _ = rank_correlation([[row.score(m) for row in rows] for m in metrics])
        table = correlation_table(metrics, rho)
        echo(f"\nRank correlation over {len(rows)} runs\n")
        echo(columns(table[1:], table[0], numbers=range(1, len(metrics) + 1)))


def chosen(places: tuple[Path, ...], rows: list[Row], by: str | None, similarity: str, images: int, device: str,
           quiet: bool) -> list[Row]:
    """Rank without labels, write the ranking into the study, print it; return the rows with their UDR scores."""
    from unbraid.engine import device_of
    from unbraid_plugins.tools.studies.groups import groups_of
    from unbraid_plugins.tools.studies.results import write_ranking
    from unbraid_plugins.tools.studies.scores import UDR, with_scores
    from unbraid_plugins.tools.studies.udr import agreement, as_json, rank

    ranked, notes = rank(groups_of(rows, by), images=images, similarity=similarity, device=str(device_of(device)),
                         overrides=overrides_given(), say=lambda name: echo(f"encoding with {name} ...", err=True))
    for note in notes:
        echo(note, fg="yellow", err=True)
    if not ranked:
        raise UnbraidError("there is nothing to rank: no setting has two models", hint="train more seeds of each")
    rows = with_scores(rows, UDR, {name: score for r in ranked for name, score in r.models.items()})
    agrees = agreement(rows, groups_of(rows, by))
    for path in write_ranking(places, rows, as_json(ranked, rows, similarity, images, agrees)):
        echo(f"wrote {path}", err=True)
    if not quiet:
        show_ranking(ranked, agrees, similarity, images)
    return rows


def show_ranking(ranked: list[Ranked], agrees: dict[str, dict[str, Any]], similarity: str, images: int) -> None:
    """Print settings and models, best first, and the rank correlation with metrics that use labels."""
    settings = [(r.group.label, f"{r.score:.3f}", str(len(r.models)), max(r.models, key=r.models.__getitem__))
                for r in ranked]
    echo(f"UDR ({similarity}) over {images} images\n")
    echo(columns(settings, ("setting", "UDR", "models", "best model"), numbers=(1, 2)))
    models = sorted(((s, name) for r in ranked for name, s in r.models.items()), reverse=True)[:10]
    echo("\n" + columns([(name, f"{s:.3f}") for s, name in models], ("model", "UDR"), numbers=(1,)))
    known = {m: a for m, a in agrees.items() if a["models"] is not None or a["settings"] is not None}
    if known:
        echo("\nRank correlation of UDR with what labels say\n")
        echo(columns([(m, signed(a["models"]), signed(a["settings"])) for m, a in known.items()],
                           ("metric", "over models", "over settings"), numbers=(1, 2)))


def signed(number: float | None) -> str:
    """Format a correlation with its sign; None becomes a dash."""
    return "-" if number is None else f"{number:+.2f}"
