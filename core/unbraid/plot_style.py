"""The look of plots."""

from __future__ import annotations

from typing import Any

INK, FAINT = "#22262b", "#8b929b"
COLOURS = ("#2f6690", "#d1495b", "#e09f3e", "#3a7d44", "#7b5ea7", "#8d6a4f", "#1b9aaa", "#4a4e69")
STYLE: Any = {
    "svg.fonttype": "path", "svg.hashsalt": "unbraid", "font.size": 9, "axes.edgecolor": FAINT, "axes.labelcolor": INK,
    "text.color": INK, "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": "#eceef0", "grid.linewidth": 0.8, "axes.axisbelow": True}
