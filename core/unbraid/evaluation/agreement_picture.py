"""Reference agreement as matrices of objects by objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unbraid.plot_style import Figure

DOT = "#d1495b"


def draw_agreement(found: Mapping[str, Any], objects: Sequence[str]) -> Figure:
    """The views that keep their azimuth as they are, and after each pair's best turn; a mirror is dotted."""
    return draw_matrices({
        f"as seen: {found['score']:.2f} between different objects": np.asarray(found["agreement"]),
        f"turned or mirrored: {found['score'] + found['ambiguity']:.2f}": np.asarray(found["gauged"])},
        objects, np.asarray(found["mirrored"]))


def draw_matrices(agreements: Mapping[str, np.ndarray], objects: Sequence[str],
                  dots: np.ndarray | None = None) -> Figure:
    """Two matrices (n, n) of shares side by side, by title: shown on an object (rows), seen on another (columns).

    dots: (n, n), where the second one has a dot.
    """
    figure = Figure(figsize=(8.4, 5.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (title, matrix) in zip(panels, agreements.items(), strict=True):
        shown = axes.imshow(matrix, vmin=0, vmax=1, cmap="Blues")
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("viewpoint of object")
        axes.set_xticks(range(len(objects)), objects, rotation=90, fontsize=6, parse_math=False)
        axes.set_yticks(range(len(objects)), objects, fontsize=6, parse_math=False)
        axes.tick_params(length=0)
    if dots is not None:
        rows, columns = np.nonzero(dots)
        panels[1].scatter(columns, rows, s=5, color=DOT)
    panels[0].set_ylabel("shown on object")
    figure.suptitle("Views within one step of the azimuth", fontsize=10)
    figure.colorbar(shown, ax=list(panels), fraction=0.04, pad=0.02)
    return figure
