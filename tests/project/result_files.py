"""Result files beside the docs: measured values, the command and the commit of each, and tables that are made of them.

A result file, docs/results/NAME.json, holds the values, the command and the commit that they come from, and the tables
that are made of them:

    {"made":     [{"command": "unbraid train ...", "commit": "...", "started": "..."}],
     "values":   {"ROW": {"COLUMN": [0.639, 0.678]},            one value for each seed
                  "in the text": {"whose, in words": [0.85]}},   what the section says outside of its tables
     "papers":   {"ROW": {"cited": "...", "COLUMN": [0.96]}},    what a paper reports
     "settings": ["0.01"],                                       decimals in the section's text that are no results
     "tables":   {"main": {"corner": "arm", "rows": ["ROW"], "columns": [
         {"title": "COLUMN", "digits": 3, "form": "spread"}]}}}

A row that is called otherwise in the table is ["title", "ROW"], the seeds of several rows together are
["title", ["ROW", "ROW"]]; a column has its name among the values in "of". A form is mean, values (all of them), spread
(mean, smallest ... largest), interval, or a text with a place for each value, as "**{:.2f}** dB"; "cells" has the forms
of single cells. "turned" makes a line of each column; where "titles" is false no row has a title. Where only mean,
smallest and largest are known, the value is {"mean": 0.5, "least": 0.4, "most": 0.6}.

In "made", `"recorded": true` means that there are no runs to collect from: the values are those that this commit wrote
into the page when its author had run the command. Which rows a command, or a commit, made stands in "values" there.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Container, Mapping, Sequence
from statistics import fmean
from typing import Any

from house import ROOT

FOLDER = ROOT / "docs/results"
LARGEST = 50_000                                   # bytes of a result file
Row = str | Sequence[str]
Values = Sequence[float] | Mapping[str, float] | str | None


def read(name: str) -> dict[str, Any]:
    """A result file."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def kept(name: str) -> dict[str, Any]:
    """The result file as it is, or an empty one."""
    file = FOLDER / f"{name}.json"
    return read(name) if file.is_file() else {"made": [], "values": {}, "settings": [], "tables": {}}


def write(name: str, found: Mapping[str, Any]) -> None:
    """Write a result file, lists of numbers in one line."""
    item = r'(?:"[^"\n]{0,12}"|[-\d.e]+)'
    text = re.sub(rf"\[\s+({item}(?:,\s+{item})*)\s+\]", lambda m: "[" + re.sub(r",\s+", ", ", m[1]) + "]",
                  json.dumps(found, indent=1, ensure_ascii=False))
    if len(text) > LARGEST:
        sys.exit(f"{name}: {len(text):,} bytes; a result file has at most {LARGEST:,}")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def without(made: Sequence[Mapping[str, Any]], rows: Container[str]) -> list[dict[str, Any]]:
    """The origins of a file without rows that are measured anew; one that made nothing else is left out."""
    left = list[dict[str, Any]]()
    for entry in made:
        if isinstance(entry["commit"], Mapping):
            commits = {commit: [row for row in of if row not in rows] for commit, of in entry["commit"].items()}
            left += [{**entry, "commit": kept}] if (kept := {c: of for c, of in commits.items() if of}) else []
        elif "values" in entry:
            of = [row for row in entry["values"] if row not in rows]
            left += [{**entry, "values": of}] if of else []
        else:
            left.append(dict(entry))
    return left


def table(found: Mapping[str, Any], name: str) -> list[str]:
    """The lines of a table of a result file."""
    plan = found["tables"][name]
    columns = plan["columns"]
    lines = [[plan.get("corner", ""), *(column["title"] for column in columns)]]
    for title, row in titled(plan["rows"]):
        values = row_of(found, row)
        own = plan.get("cells", {}).get(row if isinstance(row, str) else title, {})
        lines.append([title, *(cell(values.get(of := c.get("of", c["title"])), c, own.get(of)) for c in columns)])
    if plan.get("titles") is False:
        lines = [cells[1:] for cells in lines]
    if plan.get("turned"):
        lines = [list(column) for column in zip(*lines, strict=True)]
    return [line(*lines[0]), "|---" * len(lines[0]) + "|", *(line(*cells) for cells in lines[1:])]


def titled(rows: Mapping[str, Row] | Sequence[str | tuple[str, Row]]) -> list[tuple[str, Row]]:
    """The title of each row in the table, and its name among the values: one text is both."""
    if isinstance(rows, Mapping):
        return list(rows.items())
    return [(row, row) if isinstance(row, str) else (row[0], row[1]) for row in rows]


def row_of(found: Mapping[str, Any], row: Row) -> dict[str, Any]:
    """The values of a row, ours or a paper's; of several rows one after the other, as those of seeds are."""
    if isinstance(row, str):
        return found["values"].get(row) or found.get("papers", {}).get(row, {})
    parts = [row_of(found, part) for part in row]
    return {of: [v for part in parts for v in part.get(of, [])] for of in parts[0]}


def line(*cells: str) -> str:
    """A line of a table."""
    return re.sub(r"\|\s+(?=\|)", "| ", f"| {' | '.join(cells)} |")


def cell(values: Values, column: Mapping[str, Any], own: str | None = None) -> str:
    """The text of a cell: a mean, all values, a mean with its smallest and largest value or its interval, or a text.

    own: the form of this cell alone; "" leaves it empty.
    """
    digits, form = column.get("digits", 3), column.get("form", "mean") if own is None else own
    if not values or not form:
        return ""
    if isinstance(values, str):
        return values
    if isinstance(values, Mapping):
        mean, least, most = (written(values[part], digits) for part in ("mean", "least", "most"))
        return mean if form == "mean" else f"{mean} ({least} ... {most})"
    if "{" in form:
        return form.format(*values)
    texts = [written(v, digits) for v in values]
    mean = written(fmean(values), digits)
    if form == "values":
        return ", ".join(texts)
    if form == "spread" and len(values) > 1:
        return f"{mean} ({written(min(values), digits)} ... {written(max(values), digits)})"
    if form == "interval" and len(values) > 1:
        from unbraid_plugins.tools.studies import summary

        low, high = summary(values).interval or (0.0, 0.0)
        return f"{mean} [{written(low, digits)}, {written(high, digits)}]"
    return mean


def written(value: float, digits: int) -> str:
    """A number with this many decimals; whole numbers from a thousand on with commas."""
    return f"{value:,.{digits}f}"
