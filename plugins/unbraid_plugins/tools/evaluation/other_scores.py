"""The scores of metrics that other distributions bring, as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table


def other_metrics(results: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    """Return the names of all metrics that are not bundled: `plugin.metric`."""
    return list(dict.fromkeys(m for _, result in results for arm in result["arms"].values() for m in arm if "." in m))


def fill(results: Sequence[tuple[str, dict[str, Any]]], grid: Table) -> Table:
    """Add a row for every such metric of every run: which score is better, and the score of every arm."""
    arms = list(dict.fromkeys(arm for _, result in results for arm in result["arms"]))
    several = len(results) > 1
    for title in [*["run"] * several, "metric", "better"]:
        grid.add_column(title)
    for arm in arms:
        grid.add_column(arm, justify="right")
    for name, result in results:
        for metric in other_metrics([(name, result)]):
            better = result.get("metrics", {}).get(metric, {}).get("better", "")
            cells = [_cell(result, arm, metric) for arm in arms]
            grid.add_row(*[name] * several, metric, better, *cells)
    return grid


def _cell(result: dict[str, Any], arm: str, metric: str) -> str:
    """Return a score with half of its interval, as 0.512+-.020; - where the arm has none."""
    score = result["arms"].get(arm, {}).get(metric, {}).get("score")
    if not isinstance(score, int | float):
        return "-"
    ends = result.get("intervals", {}).get(arm, {}).get(metric)
    return f"{score:.3f}" + (f"+-{(ends[1] - ends[0]) / 2:.3f}".replace("+-0.", "+-.") if ends else "")
