"""Tables of a study: `table.csv` of runs, and readable tables of groups beside baselines."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from unbraid_plugins.tools.studies.axes import plain, short
from unbraid_plugins.tools.studies.folder import StudyError
from unbraid_plugins.tools.studies.groups import Group, best_of, columns_of, gap_between
from unbraid_plugins.tools.studies.scores import MODEL, Row, baselines_of, is_better_lower
from unbraid_plugins.tools.studies.statistics import Summary
from unbraid_registry import closest
from unbraid_registry.terminal import shown_line

WIDTH = 118                                        # characters of a table of many metrics, before it is split
SORTED = ("name", "n", "mean", "std", "min", "max")
Cells = list[list[str]]


def table_csv(rows: Sequence[Row]) -> str:
    """Return a CSV table with a line for every run and arm.

    Its columns are run, values, arm, step, seconds of training, and the score in every metric.
    """
    paths, metrics = columns_of(rows), list(dict.fromkeys(m for row in rows for a in row.arms for m in row.metrics(a)))
    out, row_of = _csv()
    row_of(["run", *map(short, paths), "arm", "step", "seconds", *metrics])
    for row in rows:
        for arm in row.arms:
            row_of([row.name, *(row.values.get(p, "") for p in paths), arm, row.step,
                    "" if row.seconds is None else round(row.seconds),
                    *("" if (s := row.score(m, arm)) is None else s for m in metrics)])
    return out.getvalue()


def groups_csv(rows: Sequence[Row], groups: Sequence[Group], metrics: Sequence[str]) -> str:
    """Return a CSV table with a line for every metric of every group and baseline."""
    paths = list(dict.fromkeys(p for g in groups for p, _ in g.values))
    out, row_of = _csv()
    row_of([*map(short, paths), "arm", "metric", "n", "mean", "std", "min", "max", "low", "high"])
    everyone = Group((), tuple(rows))
    for group, arms in [*((g, [MODEL]) for g in groups), (everyone, baselines_of(rows))]:
        for arm in arms:
            for metric in metrics:
                s = group.summary(metric, arm)
                if s is not None:
                    low, high = s.interval or ("", "")
                    row_of([*(dict(group.values).get(p, "") for p in paths), arm, metric, s.n, s.mean,
                            "" if s.std is None else s.std, s.min, s.max, low, high])
    return out.getvalue()


def _csv() -> tuple[io.StringIO, Callable[[Sequence[Any]], object]]:
    """Return a text and a function that adds a row to it; texts that a spreadsheet would compute begin with a quote."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")

    def cell(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        formula = value[:1] in ("=", "+", "-", "@") and not isinstance(plain(value), int | float)
        return f"'{shown_line(value)}" if formula else shown_line(value)

    return out, lambda values: writer.writerow(map(cell, values))


def one_metric(rows: Sequence[Row], groups: Sequence[Group], metric: str, order: str = "mean") -> tuple[Cells, Cells]:
    """Tabulate one metric: return the titles and rows of the groups, then the rows of the baselines.

    order: `mean`, `min` or `max` (best first), `n` or `std` (largest first), or `name` (the study's order).

    Raises StudyError for another order.
    """
    lower = is_better_lower(metric, rows)
    best = best_of(groups, metric, lower)
    found = [(g, s) for g in groups if (s := g.summary(metric)) is not None]
    found = _sorted(found, order, lower)
    gaps = {id(g): None if best is None or g is best else gap_between(g, best, metric) for g, _ in found}
    cells = []
    for group, s in found:
        d = gaps[id(group)]
        against = ["best", ""] if d is None else [
            f"{d.mean:+.3f}{_interval(d.interval)}", f"{d.n} pairs" if d.paired else "not paired"]
        cells.append([group.label, *_summary(s), *against])
    everyone = Group((), tuple(rows))
    baselines = [[f"  {arm}", *_summary(s), "", ""] for arm in baselines_of(rows)
                if (s := everyone.summary(metric, arm)) is not None]
    titles = [metric, "n", "mean", "std", "min", "max", "95 % of the mean", "from the best", "seeds"]
    return [titles, *cells], baselines


def many_metrics(rows: Sequence[Row], groups: Sequence[Group], metrics: Sequence[str], order: str = "name"
                 ) -> list[Cells]:
    """Tabulate means and standard deviations of all metrics by group, with baselines below.

    The result is split into tables that are not too wide.

    order: `name` (the study's order), `n` (largest first), or a metric (best first).

    Raises StudyError for another order.
    """
    if order not in ("name", "n") and order not in metrics:
        raise StudyError(f"the table has no column {order!r} to sort by",
                         hint=closest(order, ["name", "n", *metrics]) or f"there is name, n, {', '.join(metrics)}")
    if order != "name":
        lower = order != "n" and is_better_lower(order, rows)
        groups = sorted(groups, key=lambda g: _key(len(g.rows) if order == "n" else g.summary(order), lower))
    everyone = Group((), tuple(rows))
    lines: list[tuple[str, str, list[Summary | None]]] = [
        (g.label, str(len(g.rows)), [g.summary(m) for m in metrics]) for g in groups]
    lines += [(f"  {arm}", "", [everyone.summary(m, arm) for m in metrics]) for arm in baselines_of(rows)]
    texts = [[label, n, *(_brief(s) for s in found)] for label, n, found in lines]
    widths = [max(len(line[i]) for line in [["", "n", *metrics], *texts]) for i in range(len(metrics) + 2)]
    tables: list[list[int]] = []
    taken: list[int] = []
    room = 0
    for i in range(2, len(widths)):
        if taken and room + widths[i] + 2 > WIDTH - sum(widths[:2]) - 2:
            tables.append(taken)
            taken, room = [], 0
        taken.append(i)
        room += widths[i] + 2
    return [[[line[0], line[1], *(line[i] for i in part)] for line in [["", "n", *metrics], *texts]]
            for part in [*tables, *([taken] if taken else [])]]


def correlation_table(metrics: Sequence[str], rho: Sequence[Sequence[float | None]]) -> Cells:
    """Tabulate the rank correlations of metrics over runs."""
    return [["", *metrics], *([m, *("-" if v is None else f"{v:+.2f}" for v in line)]
                              for m, line in zip(metrics, rho, strict=True))]


def _sorted(found: list[tuple[Group, Summary]], order: str, lower: bool) -> list[tuple[Group, Summary]]:
    if order not in SORTED:
        raise StudyError(f"the table has no column {order!r} to sort by",
                         hint=closest(order, SORTED) or f"there is {', '.join(SORTED)}")
    if order == "name":
        return found
    rising = lower and order in ("mean", "min", "max")
    return sorted(found, key=lambda f: _key(getattr(f[1], order), rising))


def _key(value: Any, rising: bool) -> tuple[bool, float]:
    """Return a sort key: smallest first if rising, else largest first; unknown values last."""
    number = value.mean if isinstance(value, Summary) else value
    return (number is None, 0.0 if number is None else number if rising else -number)


def _summary(s: Summary) -> list[str]:
    return [str(s.n), f"{s.mean:.3f}", "-" if s.std is None else f"{s.std:.3f}", f"{s.min:.3f}", f"{s.max:.3f}",
            _interval(s.interval).strip() or "-"]


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" [{interval[0]:.3f}, {interval[1]:.3f}]"


def _brief(s: Summary | None) -> str:
    return "-" if s is None else f"{s.mean:.3f}" + ("" if s.std is None else f" ±{s.std:.3f}")
