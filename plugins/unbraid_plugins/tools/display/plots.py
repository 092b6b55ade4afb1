"""matplotlib for plots and figures, with our settings, independent of any `matplotlibrc`.

On import, matplotlib reads a `matplotlibrc` in the working folder, which may be untrusted. So only this module imports
matplotlib, in a way that skips that file. All drawing happens within `style`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from unbraid.runs import write_whole
from unbraid_registry import UnbraidError
from unbraid_registry.terminal import shown

INK, FAINT = "#22262b", "#8b929b"
COLOURS = ("#2f6690", "#d1495b", "#e09f3e", "#3a7d44", "#7b5ea7", "#8d6a4f", "#1b9aaa", "#4a4e69")
STYLE: Any = {
    "svg.fonttype": "path", "svg.hashsalt": "unbraid", "font.size": 9, "axes.edgecolor": FAINT, "axes.labelcolor": INK,
    "text.color": INK, "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": "#eceef0", "grid.linewidth": 0.8, "axes.axisbelow": True}


@contextmanager
def _without_settings_here() -> Iterator[None]:
    """Hide a `matplotlibrc` of the working folder from matplotlib within the context; no other path is affected."""
    exists = os.path.exists
    with mock.patch.object(os.path, "exists", lambda path: path != "matplotlibrc" and exists(path)):
        yield


with _without_settings_here():
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle
    from matplotlib.path import Path as Outline
    from matplotlib.style import context
    from matplotlib.text import Text
    from matplotlib.textpath import text_to_path

__all__ = ["COLOURS", "FAINT", "INK", "STYLE", "FancyArrowPatch", "FancyBboxPatch", "Figure", "FigureCanvasAgg",
           "FontProperties", "Outline", "Polygon", "Rectangle", "save_figure", "style", "text_to_path"]


def style(settings: Any = None) -> AbstractContextManager[None]:
    """Return a context in which figures are drawn with matplotlib's defaults and these settings (None: `STYLE`).

    No text is parsed as a formula: a name with dollar signs is a name.
    """
    return context(["default", {"text.parse_math": False}, STYLE if settings is None else settings])


def save_figure(figure: Figure, path: Path, dots: int | None = None) -> Path:
    """Write a figure as .png or .svg, whole or not at all, and return the path.  Raises UnbraidError.

    dots: dots per inch of a PNG (None: the figure's).
    """
    for text in figure.findobj(Text):              # names may be of a file
        text.set_text(shown(text.get_text()))

    def draw(scratch: Path) -> None:
        if path.suffix == ".svg":
            FigureCanvasSVG(figure).print_figure(scratch, format="svg", metadata={"Date": None})
        else:
            FigureCanvasAgg(figure).print_figure(scratch, format="png", dpi=dots or figure.dpi)

    return write_whole(path, draw, error=UnbraidError, what="the picture", hint="")
