"""Matrices of an evaluation as heat maps: tables with coloured cells."""

from __future__ import annotations

from typing import Any

import attrs

from unbraid_plugins.tools.reports.formatting import is_number, number, words
from unbraid_plugins.tools.reports.run_reader import Findings

FIRST = ("retrieval_map", "edit_control")          # shown open; the others are folded
TITLES = {
    "retrieval_map": ("What each chunk knows", "Mean average precision when each chunk of the code looks for images "
                      "that share a factor; a factor's best chunk is framed."),
    "edit_control": ("What each edit moves", "How often each factor is seen to change when the chunk of one factor "
                     "is taken from another image: a good edit moves its own factor, framed, and no other."),
    "edit_control.control": ("Control", "How far a chunk moves a factor and nothing else; the best is framed."),
    "edit_control.moved": ("What each chunk moves", "How often each factor is seen to change when a chunk is swapped."),
    "edit_control.reached": ("What each chunk brings", "How often the donor's class is seen when a chunk is swapped."),
    "nearest_neighbour_accuracy": ("Nearest neighbours", "How often the nearest image by a chunk shares the factor."),
}
AXES = {"edit_control.matrix": ("factors", "factors"), "edit_control.control": ("factors", "chunks"),
        "edit_control.moved": ("chunks", "factors"), "edit_control.reached": ("chunks", "factors"),
        "edit_control.visible": ("factors", "factors")}
NUMBERS = 32                                       # largest number of dimensions of a code that are rows
LARGEST, MOST = 4096, 64                           # cells of a map, and maps


@attrs.frozen
class HeatCell:
    """A number in a heat map.

    share: strength of the colour, from 0 to 1.
    negative: whether the other colour is used.
    best: whether the cell is framed.
    """

    text: str
    share: float
    negative: bool = False
    best: bool = False


@attrs.frozen
class HeatMap:
    """A matrix with labels: `down` names the kind of the rows, `across` the kind of the columns."""

    name: str
    title: str
    about: str
    down: str
    across: str
    columns: list[str]
    rows: list[tuple[str, str, list[HeatCell]]]
    folded: bool


def heat_maps(findings: Findings) -> list[HeatMap]:
    """Return every matrix of the model's results whose rows and columns have names."""
    found: list[HeatMap] = []
    for metric, result in findings.arms.get("model", {}).items():
        for part, value in result.items():
            labels = _labels(f"{metric}.{part}", value, result, findings)
            if labels is not None and len(found) < MOST:
                found.append(_heat_map(metric, part, value, labels, result))
    order = {name: i for i, name in enumerate(FIRST)}
    return sorted(found, key=lambda m: order.get(m.name, len(order)))


def _labels(name: str, value: Any, result: dict[str, Any], findings: Findings
            ) -> tuple[str, list[str], str, list[str]] | None:
    """Return names for the rows and columns of a list of lists: named lists of the result, or the factors."""
    if not (isinstance(value, list) and value and all(isinstance(r, list) and r for r in value)):
        return None
    height, width = len(value), len(value[0])
    if any(len(r) != width for r in value) or height * width > LARGEST or not all(
            x is None or is_number(x) for r in value for x in r):
        return None
    named = {k: v for k, v in result.items() if isinstance(v, list) and v and all(isinstance(x, str) for x in v)}
    named.setdefault("factors", _measured_factors(findings))
    if width == len(named["factors"]) and height <= NUMBERS:
        named.setdefault("numbers", [str(i) for i in range(height)])
    rows = [k for k, v in named.items() if len(v) == height]
    columns = [k for k, v in named.items() if len(v) == width]
    if not rows or not columns:
        return None
    numbered = next((k for k in rows if k != "factors"), rows[0])
    down = "factors" if "factors" in rows and "factors" in result else numbered
    across = next((k for k in columns if k != down), columns[0])
    if AXES.get(name, ("", ""))[0] in rows and AXES[name][1] in columns:
        down, across = AXES[name]
    return down, named[down], across, named[across]


def _measured_factors(findings: Findings) -> list[str]:
    """Return the factors that are columns of the table of complete rows; without a table, all measured factors."""
    protocol = (findings.evaluation or {}).get("protocol")
    columns = protocol.get("columns") if isinstance(protocol, dict) else None
    return columns if isinstance(columns, list) and all(isinstance(c, str) for c in columns) else findings.factors


def _heat_map(metric: str, part: str, value: list[list[Any]], labels: tuple[str, list[str], str, list[str]],
              result: dict[str, Any]) -> HeatMap:
    down, rows, across, columns = labels
    numbers = [abs(x) for r in value for x in r if is_number(x)]
    top = max([1.0, *numbers]) if all(x <= 1 for x in numbers) else max(numbers)
    best, chance = (found if isinstance(found := result.get(k), dict) else {} for k in ("best", "chance"))
    name = metric if part == "matrix" else f"{metric}.{part}"
    title, caption = TITLES.get(name, (words(metric) + ("" if part == "matrix" else f": {words(part)}"), ""))
    return HeatMap(name, title, caption, _single(down), _single(across), columns, [
        (label, f"chance {number(chance[label])}" if label in chance else "",
         [_cell(x, top, best.get(label) == column or best.get(column) == label or (down == across and label == column))
          for x, column in zip(line, columns, strict=True)])
        for label, line in zip(rows, value, strict=True)], metric not in FIRST or part != "matrix")


def _cell(x: Any, top: float, best: bool) -> HeatCell:
    if not is_number(x):
        return HeatCell(number(None), 0.0)
    text = f"{x:.2f}" if abs(x) < 100 else number(x)
    return HeatCell(text, min(abs(x) / top, 1.0), x < 0, best)


def _single(name: str) -> str:
    """Return the singular of a name."""
    return name[:-1] if name.endswith("s") else words(name)
