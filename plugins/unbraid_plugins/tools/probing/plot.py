"""A probe as a picture: accuracy over the number of labels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from unbraid_plugins.tools.display import COLOURS, FAINT, STYLE, Figure, save_figure, style
from unbraid_plugins.tools.probing.accuracy_table import shown

COLUMNS = 4                                        # panels side by side
DOTS = 110                                         # per inch
NARROWEST, ENTRY = 5.0, 1.6                        # inches: smallest width of the picture, width of a legend entry
CODE, CONTROLS = "#1a1a1a", {"pixels": "#8b929b", "untrained": "#c2a878"}
NETWORK, OF_NETWORK = "supervised network", "#b5179e"
TITLES = {"linear": "linear classifier", "nearest": "nearest neighbour"}


def write_picture(result: dict[str, Any], path: Path) -> Path:
    """Write the picture of a probe and return its path.  Raises UnbraidError."""
    with style({**STYLE, "savefig.dpi": DOTS}):
        return save_figure(draw(result), path)


def draw(result: dict[str, Any]) -> Figure:
    """Draw a panel for every factor and classifier, with a line for every representation; for numbers, R2.

    Bands are the standard deviation of the draws. The dotted line is chance. Of many parts of the code, only the most
    accurate are drawn.
    """
    factors, labels = [*result["factors"], *result.get("numbers", {})], [str(n) for n in result["labels"]]
    columns = min(COLUMNS, len(factors))
    blocks = math.ceil(len(factors) / columns)
    width = max(1.0 + 2.7 * columns, NARROWEST)
    figure = Figure(figsize=(width, 0.8 + 2 * 2.1 * blocks), layout="constrained")
    panels = figure.subplots(2 * blocks, columns, squeeze=False, sharey=True)
    colours = _colours(result)
    for number, factor in enumerate(factors):
        block, column = divmod(number, columns)
        for row, classifier in enumerate(TITLES):
            axes = panels[2 * block + row, column]
            _draw_lines(axes, result, classifier, factor, colours)
            axes.axhline(result["factors"].get(factor, {"chance": 0})["chance"], color=FAINT, lw=1, ls=":", zorder=1)
            axes.set_xticks(range(len(labels)), labels)
            axes.set_ylim(-0.02, 1.03)
            axes.tick_params(length=0)
            if row == 0:
                title = factor.replace("_", " ") + ("" if factor in result["factors"] else ": R2")
                axes.set_title(title, loc="left", fontsize=10, weight="bold", parse_math=False)
            if column == 0:
                axes.set_ylabel(TITLES[classifier])
    for number in range(len(factors), blocks * columns):
        block, column = divmod(number, columns)
        for row in range(2):
            panels[2 * block + row, column].set_axis_off()
    figure.supxlabel("labels of every class", fontsize=10)
    lines = {line.get_label(): line for axes in panels.ravel() for line in axes.get_lines()
             if not str(line.get_label()).startswith("_")}
    order = [name for name in [*colours, NETWORK] if name in lines]
    figure.legend([lines[name] for name in order], order, loc="outside upper center",
                  ncols=min(int(width / ENTRY), len(order)), frameon=False)
    return figure


def _draw_lines(axes: Any, result: dict[str, Any], classifier: str, factor: str, colours: dict[str, str]) -> None:
    scores = result["accuracy" if factor in result["factors"] else "r2"][classifier]
    for name in shown(result, factor):
        found = scores[name][factor]
        kind = result["representations"][name]["kind"]
        _draw_line(axes, found, colours[name], name, ls="--" if kind == "baseline" else "-",
                   lw=2.2 if kind == "code" else 1.6)
    network = result["accuracy"].get("network", {})
    for found in (by_factor[factor] for by_factor in network.values() if factor in by_factor):
        _draw_line(axes, found, OF_NETWORK, NETWORK, ls="-.", lw=1.2)


def _draw_line(axes: Any, found: dict[str, Any], colour: str, label: str, **style: Any) -> None:
    means, x = [math.nan if m is None else m for m in found["mean"]], range(len(found["mean"]))
    spread = [s or 0.0 for s in found["std"]]
    axes.fill_between(x, [m - s for m, s in zip(means, spread, strict=True)],
                      [m + s for m, s in zip(means, spread, strict=True)], color=colour, alpha=0.13, lw=0, zorder=2)
    axes.plot(x, means, marker="o", ms=3.5, color=colour, label=label, zorder=3, **style)


def _colours(result: dict[str, Any]) -> dict[str, str]:
    """Return the colour of every representation, the same in all panels."""
    parts = [name for name, r in result["representations"].items() if r["kind"] == "part"]
    found = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(parts)}
    return {name: found.get(name) or CONTROLS.get(name, CODE) for name in result["representations"]}
