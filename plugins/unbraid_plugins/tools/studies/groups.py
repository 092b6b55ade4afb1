"""Groups of runs that repeat one setting, and their joint scores, beside baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from unbraid_plugins.tools.studies.axes import SEED, short
from unbraid_plugins.tools.studies.folder import StudyError
from unbraid_plugins.tools.studies.scores import MODEL, Row, baselines_of, is_better_lower, metrics_of
from unbraid_plugins.tools.studies.statistics import Gap, Summary, gap, rank_correlation, summary
from unbraid_registry import closest


@attrs.frozen(eq=False)
class Group:
    """Rows with one setting, or with one value on one axis.  values: pairs of path and text."""

    values: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]

    @property
    def label(self) -> str:
        """The name of the group in tables."""
        return ", ".join(v if p == "recipe" else f"{short(p)}={v}" for p, v in self.values) or "all runs"

    def scores(self, metric: str, arm: str = MODEL) -> dict[str, float]:
        """Return the scores by a key that distinguishes the rows.

        The key is the seed. If seeds are missing or repeated, it is all values that are not the group's, or the name.
        """
        alone = len({row.seed for row in self.rows}) == len(self.rows) and None not in {row.seed for row in self.rows}
        own = [p for p, _ in self.values]
        found = {}
        for row in self.rows:
            rest = [f"{p}={v}" for p, v in row.values.items() if p not in own]
            score = row.score(metric, arm)
            if score is not None:
                found[row.seed or "" if alone else ",".join(rest) or row.name] = score
        return found

    def summary(self, metric: str, arm: str = MODEL) -> Summary | None:
        """Summarize the scores of the rows; return None without any score."""
        values = list(self.scores(metric, arm).values())
        return summary(values) if values else None


def groups_of(rows: Sequence[Row], by: str | None = None) -> list[Group]:
    """Group rows by their setting, in the order of the rows.

    by: an axis; then its values alone make the groups.

    Raises StudyError for an unknown axis.
    """
    if by is not None:
        paths = list(dict.fromkeys(p for row in rows for p in row.values))
        wanted = next((p for p in paths if by in (p, short(p))), None)
        if wanted is None:
            names = [short(p) for p in paths]
            raise StudyError(f"there is no axis {by!r}", hint=closest(by, names) or
                             f"there is {', '.join(names) or 'none at all'}")
    found: dict[tuple[tuple[str, str], ...], list[Row]] = {}
    for row in rows:
        key = row.setting if by is None else tuple((p, v) for p, v in row.values.items() if p == wanted)
        found.setdefault(key, []).append(row)
    return [Group(key, tuple(group)) for key, group in found.items()]


def best_of(groups: Sequence[Group], metric: str, lower: bool) -> Group | None:
    """Return the group with the best mean; None without any score."""
    found = [(s.mean, g) for g in groups if (s := g.summary(metric)) is not None]
    return (min if lower else max)(found, key=lambda f: f[0])[1] if found else None


def gap_between(a: Group, b: Group, metric: str) -> Gap | None:
    """Return the mean difference a - b of two groups, paired by seed where possible; None if one has no score."""
    ours, theirs = a.scores(metric), b.scores(metric)
    return gap(ours, theirs) if ours and theirs else None


def as_json(rows: Sequence[Row], groups: Sequence[Group], metrics: Sequence[str] | None = None) -> dict[str, Any]:
    """Return all results as plain dicts, lists and numbers, with these keys.

    runs: name -> values, step, seconds of training, scores by arm.
    groups: summaries by metric, with the difference from the best group.
    baselines: summaries by arm.
    better: for each metric, whether lower or higher scores are better.
    correlation: the rank correlations of the metrics over runs.
    """
    metrics = list(metrics or metrics_of(rows))
    lower = {m: is_better_lower(m, rows) for m in metrics}
    best = {m: best_of(groups, m, lower[m]) for m in metrics}
    every = Group((), tuple(rows))
    rho, counts = rank_correlation([[row.score(m) for row in rows] for m in metrics])
    return {
        "runs": {row.name: {"values": _short(row.values.items()), "step": row.step, "seconds": row.seconds,
                            "scores": {arm: {m: s for m in metrics if (s := row.score(m, arm)) is not None}
                                       for arm in row.arms}} for row in rows},
        "groups": [{"values": _short(g.values), "runs": [row.name for row in g.rows], "metrics": {
            m: {**attrs.asdict(found), "from_best": _from(best[m], g, m)}
            for m in metrics if (found := g.summary(m)) is not None}} for g in groups],
        "baselines": {arm: {m: attrs.asdict(found) for m in metrics if (found := every.summary(m, arm)) is not None}
                     for arm in baselines_of(rows)},
        "better": {m: "lower" if lower[m] else "higher" for m in metrics},
        "correlation": {"metrics": metrics, "rho": rho, "runs": counts},
    }


def _short(values: Any) -> dict[str, str]:
    return {short(p): v for p, v in values}


def _from(best: Group | None, group: Group, metric: str) -> dict[str, Any] | None:
    found = None if best is None or best is group else gap_between(group, best, metric)
    return None if found is None else attrs.asdict(found)


def columns_of(rows: Sequence[Row]) -> list[str]:
    """Return the paths that vary, the seed last."""
    paths = list(dict.fromkeys(p for row in rows for p in row.values))
    return [*(p for p in paths if p != SEED), *(p for p in paths if p == SEED)]
