"""Plots of a study: every metric against every axis, and the rank correlations of the metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unbraid_plugins.tools.display import COLOURS, FAINT, INK, Figure, save_figure, style
from unbraid_plugins.tools.studies.axes import plain, short
from unbraid_plugins.tools.studies.groups import Group, columns_of, groups_of
from unbraid_plugins.tools.studies.scores import Row, baselines_of, metrics_of
from unbraid_plugins.tools.studies.statistics import FEWEST, rank_correlation

COLUMNS = 4                                        # panels side by side
MOST = 80                                          # metrics that are plotted
SHIFT = 0.5                                        # part of the distance between values over which colours spread
FAR = 0.35                                         # a baseline further off than this part of the range is no line


def write_plots(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Write all plots that the rows allow, as SVG and PNG; return the PNG files.  Raises UnbraidError."""
    metrics = metrics_of(rows)[:MOST]
    written = []
    with style():
        paths: list[str | None] = [p for p in columns_of(rows) if any(p in dict(row.setting) for row in rows)]
        for path in (paths or [None]) if metrics else ():
            name = "seeds" if path is None else f"by-{short(path)}"
            written.append(_save(draw_axis(rows, path, metrics), folder / name.replace("/", "-")))
        if len(rows) >= FEWEST and len(metrics) > 1:
            written.append(_save(draw_correlation(rows, metrics), folder / "correlation"))
    return written


def draw_axis(rows: Sequence[Row], path: str | None, metrics: Sequence[str]) -> Figure:
    """Plot one panel per metric: its score against one axis, with a dot for every run and a bar at the means.

    The means are joined if the axis has numbers. The values of the other axes have different colours. Baselines are
    faint horizontal lines at their means over all runs.
    """
    groups, ticks = groups_of(rows), _ticks(rows, path)
    numeric = all(isinstance(plain(text), int | float) for text in ticks)
    series: dict[str, list[Group]] = {}
    for group in groups:
        others = Group(tuple((p, v) for p, v in group.values if p != path), ())
        series.setdefault(others.label if others.values else "", []).append(group)
    columns = min(COLUMNS, len(metrics))
    lines = math.ceil(len(metrics) / columns)
    figure = Figure(figsize=(0.6 + 3.0 * columns, 0.75 + 2.35 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, metric in zip(panels, metrics, strict=False):
        for number, (label, members) in enumerate(series.items()):
            aside = 0.0 if numeric else SHIFT * (number - (len(series) - 1) / 2) / len(series)
            places = {text: x + aside for text, x in ticks.items()}
            _draw_series(axes, members, path, places, metric, COLOURS[number % len(COLOURS)], label,
                         line="-" if numeric else "none")
        _set_x(axes, ticks, numeric)
        _draw_baselines(axes, rows, metric)
    for axes in panels[len(metrics):]:
        axes.set_axis_off()
    if path is not None:
        figure.supxlabel(short(path), fontsize=10)
    figure.supylabel("score", fontsize=10)
    if len(series) > 1:
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=min(4, len(labels)), frameon=False)
    return figure


def _ticks(rows: Sequence[Row], path: str | None) -> dict[str, float]:
    """Return the x position of each value: numbers at their value, others one after the other."""
    texts = list(dict.fromkeys(row.values.get(path, "") if path else "" for row in rows))
    numbers = [plain(t) for t in texts]
    if all(isinstance(n, int | float) for n in numbers):
        return dict(sorted(zip(texts, map(float, numbers), strict=True), key=lambda t: t[1]))
    return {t: float(i) for i, t in enumerate(texts)}


def _set_x(axes: Any, ticks: dict[str, float], numeric: bool) -> None:
    places = list(ticks.values())
    if len(places) > 2 and min(places) > 0 and max(places) >= 8 * min(places):
        axes.set_xscale("log")
        axes.set_xlim(min(places) / (max(places) / min(places)) ** 0.08,
                      max(places) * (max(places) / min(places)) ** 0.08)
    else:
        margin = 0.12 * (max(places) - min(places)) * numeric or 0.5
        axes.set_xlim(min(places) - margin, max(places) + margin)
    long = max(map(len, ticks)) > 6 and len(ticks) > 2
    axes.set_xticks(places, list(ticks), rotation=30 if long else 0, ha="right" if long else "center")
    axes.minorticks_off()
    axes.tick_params(length=0)


def _draw_series(axes: Any, groups: Sequence[Group], path: str | None, ticks: dict[str, float], metric: str,
                 colour: str, label: str, line: str) -> None:
    means = []
    for group in groups:
        x = ticks[dict(group.values).get(path, "") if path else ""]
        scores = list(group.scores(metric).values())
        axes.plot([x] * len(scores), scores, "o", ms=4.5, mfc=colour, mec="white", mew=0.5, alpha=0.6, zorder=3)
        if scores:
            means.append((x, float(np.mean(scores))))
    means.sort()
    if means:
        axes.plot(*zip(*means, strict=True), ls=line, color=colour, lw=1.8, zorder=2, label=label,
                  marker="_", ms=13, mew=2.2)


def _draw_baselines(axes: Any, rows: Sequence[Row], metric: str) -> None:
    """Set limits and title, and draw faint lines for near baselines; distant ones are listed below the title."""
    everyone = Group((), tuple(rows))
    means = {arm: s.mean for arm in baselines_of(rows) if (s := everyone.summary(metric, arm)) is not None}
    own = list(everyone.scores(metric).values())
    if not own:
        return
    low, high = min(own), max(own)
    reach = FAR * (high - low or abs(high) or 1.0)
    near = {arm: y for arm, y in means.items() if low - reach <= y <= high + reach}
    far = [arm for arm in means if arm not in near]
    low, high = min([low, *near.values()]), max([high, *near.values()])
    pad = 0.08 * (high - low or abs(high) or 1.0)
    axes.set_ylim(low - pad, high + pad)
    taken: list[float] = []
    for arm, y in sorted(near.items(), key=lambda a: a[1]):
        axes.axhline(y, color=FAINT, lw=0.9, ls=(0, (4, 3)), alpha=0.8, zorder=1)
        place = (y - low + pad) / (high - low + 2 * pad)
        place = max(place, taken[-1] + 0.075) if taken else place
        taken.append(place)
        axes.text(1.01, place, arm, transform=axes.transAxes, fontsize=7, color=FAINT, va="center", ha="left")
    above, below = ([f"{arm} {means[arm]:.2f}" for arm in far if (means[arm] > high) == up] for up in (True, False))
    lines = [f"{arrow} {', '.join(arms)}" for arrow, arms in (("↑", above), ("↓", below)) if arms]
    axes.text(0, 1.02, "\n".join(lines), transform=axes.transAxes, fontsize=6.5, color=FAINT, va="bottom", ha="left",
              linespacing=1.1)
    axes.set_title(metric.replace("_", " "), loc="left", fontsize=10, weight="bold", color=INK, pad=4 + 8 * len(lines))


def draw_correlation(rows: Sequence[Row], metrics: Sequence[str]) -> Figure:
    """Plot Spearman's rank correlation of every two metrics over the runs."""
    rho, counts = rank_correlation([[row.score(m) for row in rows] for m in metrics])
    table = np.asarray([[np.nan if v is None else v for v in line] for line in rho])
    n, names = len(metrics), [m.replace("_", " ") for m in metrics]
    figure = Figure(figsize=(2.6 + 0.55 * n, 2.0 + 0.5 * n), layout="constrained")
    axes = figure.add_subplot()
    shown = axes.imshow(np.ma.masked_invalid(table), vmin=-1, vmax=1, cmap="RdBu_r")
    axes.set_facecolor("#f2f3f4")
    axes.set_xticks(range(n), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(n), names)
    axes.tick_params(length=0)
    axes.set_frame_on(False)
    axes.grid(False)
    for i, j in np.ndindex(n, n):
        text = "" if np.isnan(table[i, j]) else f"{table[i, j]:.2f}".replace("-", "−")
        axes.text(j, i, text, ha="center", va="center", fontsize=7.5,
                  color="white" if abs(np.nan_to_num(table[i, j])) > 0.6 else INK)
    figure.colorbar(shown, ax=axes, fraction=0.04, pad=0.02).outline.set_visible(False)
    most = max(map(max, counts))
    figure.suptitle(f"Rank correlation of metrics over {most} runs", fontsize=10, weight="bold")
    return figure


def _save(figure: Figure, stem: Path) -> Path:
    """Write a figure as STEM.svg and STEM.png; return the PNG.  Raises UnbraidError."""
    save_figure(figure, stem.with_name(f"{stem.name}.svg"))
    return save_figure(figure, stem.with_name(f"{stem.name}.png"), dots=130)
