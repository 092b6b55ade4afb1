"""Tables of measured numbers, generated from result files beside the docs: no number is typed by hand.

    python tests/project/result_tables.py                       write every generated table into its page
    python tests/project/result_tables.py collect NAME ROW=RUN,RUN ... --take METRIC ...
    python tests/project/result_tables.py bench NAME BENCH/results.json

A result file, docs/results/NAME.json, holds the values, the command and the commit that they come from, and the tables
that are made of them:

    {"made":     [{"command": "unbraid train ...", "commit": "...", "started": "..."}],
     "values":   {"ROW": {"COLUMN": [0.639, 0.678]},            one value for each seed
                  "in the text": {"whose, in words": [0.85]}},   what the section says outside of its tables
     "papers":   {"ROW": {"cited": "...", "COLUMN": [0.96]}},    what a paper reports
     "settings": ["0.01"],                                       decimals in the section's text that are no results
     "tables":   {"main": {"corner": "arm", "rows": ["ROW"], "columns": [
         {"title": "COLUMN", "digits": 3, "form": "spread"}]}}}

A page has the table between two comments, which no reader sees:

    <!-- results: NAME main -->
    <!-- end of results -->

A row that is called otherwise in the table is ["title", "ROW"], the seeds of several rows together are
["title", ["ROW", "ROW"]]; a column has its name among the values in "of". A form is mean, values (all of them), spread
(mean, smallest ... largest), interval, or a text with a place for each value, as "**{:.2f}** dB"; "cells" has the forms
of single cells; "turned" makes a line of each column, and a table
whose "titles" are false shows none of its rows. Where only mean, smallest and largest are known, the value is
{"mean": .., "least": .., "most": ..}.

`collect` reads each METRIC of each RUN: `retrieval_map`, a part as `chunk_probe.by_factor.pose`, or a path in another
file of the run as `probe.json:accuracy.linear.code.label.mean.0`. ROW:untrained=RUN takes a baseline of the evaluation.
A new file gets a table `main` of its rows and metrics; a new row is added to it.

In "made", `"recorded": true` means that there are no runs to collect from: the values are those that this commit wrote
into the page when its author had run the command. Which rows a command, or a commit, made stands in "values" there.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from house import ROOT

FOLDER = ROOT / "docs/results"
LARGEST = 50_000                                   # bytes of a result file
PAGES = [ROOT / "README.md", *(ROOT / "docs" / page for page in ("results.md", "which-method.md", "bench.md")),
         *sorted((ROOT / "docs/methods").glob("*.md")), *sorted((ROOT / "docs/fidelity").glob("*.md")),
         *sorted((ROOT / "plugins/unbraid_plugins/papers").glob("*/*.md"))]
BLOCK = re.compile(r"(<!-- results: ([\w-]+) ([\w-]+) -->\n)(.*?)(<!-- end of results -->)", re.DOTALL)

Row = str | Sequence[str]
Values = Sequence[float] | Mapping[str, float] | str | None


def read(name: str) -> dict[str, Any]:
    """A result file."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


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


def filled(text: str) -> str:
    """A page with every generated table made anew."""
    return BLOCK.sub(lambda m: m[1] + "\n".join(table(read(m[2]), m[3])) + "\n" + m[5], text)


# -- collecting -------------------------------------------------------------------------------------------------------


def collect(name: str, rows: Sequence[str], take: Sequence[str], commit: str = "unknown") -> None:
    """Write the values of runs into a result file, with the command and the commit of each; keep its tables.

    commit: that of runs whose record has none, where one knows which checkout made them.
    """
    found = kept(name)
    for text in rows:
        row, _, runs = text.rpartition("=")
        title, _, arm = row.partition(":")
        folders = [Path(run) for run in runs.split(",")]
        found["values"][title] = {metric: values for metric in take if (values := [
            v for run in folders if (v := value_of(run, metric, arm or "model")) is not None])}
        found["made"] = [m for m in found["made"] if m.get("values") != [title]]
        found["made"] += [{**made_of(run, commit), "values": [title]} for run in folders]
        add_row(found, title, take)
    write(name, found)


def add_row(found: dict[str, Any], title: str, take: Sequence[str]) -> None:
    """Give the table `main` a row, where no table has it."""
    columns = [{"title": metric, "digits": 3, "form": "spread"} for metric in take]
    if not found["tables"]:
        found["tables"]["main"] = {"corner": "", "rows": [], "columns": columns}
    shown = {of for plan in found["tables"].values() for _, row in titled(plan["rows"])
             for of in ([row] if isinstance(row, str) else row)}
    main = found["tables"].get("main", {"rows": {}})["rows"]
    if title not in shown and isinstance(main, list):
        main.append(title)


def value_of(run: Path, metric: str, arm: str) -> float | None:
    """A number of a run's evaluation, or of another file of it."""
    file, _, path = metric.rpartition(":")
    if file and arm != "model":                    # its path says of what it is
        return None
    at: Any = json.loads((run / (file or "evaluation.json")).read_text(encoding="utf-8"))
    if not file:
        at = at["arms"].get(arm, {})
        path = path if "." in path else f"{path}.score"
    for part in path.split("."):
        at = at[int(part)] if isinstance(at, list) else at.get(part) if isinstance(at, dict) else None
    return round(float(at), 6) if isinstance(at, int | float) else None


def made_of(run: Path, otherwise: str) -> dict[str, str]:
    """The command and the commit of a run, from its record."""
    session = json.loads((run / "run.json").read_text(encoding="utf-8"))["sessions"][0]
    commit = (session.get("sources") or session.get("git") or {}).get("commit")
    return {"run": run.name, "command": portable(shlex.join(["unbraid", *session["command"][1:]])),
            "commit": commit or otherwise, "started": session["started"]}


def portable(command: str) -> str:
    """A command without the folders of the machine that ran it.

    >>> portable("unbraid train mixing --out /big/runs/first")
    'unbraid train mixing --out first'
    """
    return re.sub(r"(?<![\w.}])/(?:[^\s'\"/]+/)*([^\s'\"/]+)", r"\1", command)


def bench(name: str, results: Path) -> None:
    """Write a benchmark into a result file: cells, their untrained networks, baselines, a table for each data set."""
    outcome, found = json.loads(results.read_text(encoding="utf-8")), kept(name)
    for cell_name, c in outcome["cells"].items():
        scores = {m: s["values"] for m, s in c["scores"].items()}
        costs = {"steps": [c["steps"]], "seconds": [s for s in c["seconds"] if s is not None],
                 "weights": [c["parameters"]["model"]], "annotation": "; ".join(c["annotation"]) or "nothing"}
        found["values"][cell_name] = {**costs, **scores}
        found["values"][f"{cell_name}, untrained"] = {m: s["values"] for m, s in c["untrained"].items()}
    for data, arms in outcome["baselines"].items():
        for arm, scores in arms.items():
            found["values"][f"{arm}@{data}"] = {m: [s["mean"]] for m, s in scores.items()}
    costs_shown = [("must be known", "annotation"), ("weights",) * 2, ("steps",) * 2, ("processor seconds", "seconds")]
    shown = [*((title, of, "mean", 0) for title, of in costs_shown),
             *((name, name, "interval", 3) for name in outcome["measures"])]
    for data in outcome["data"]:
        rows = {}
        for cell_name, c in outcome["cells"].items():
            if c["data"] == data:
                rows |= {c["method"]: cell_name, f"*{c['method']}, untrained*": f"{cell_name}, untrained"}
        rows |= {arm: f"{arm}@{data}" for arm in outcome["baselines"].get(data, {})}
        found["tables"][data] = {"corner": "method", "rows": rows, "columns": [
            {"title": title, "of": of, "form": form, "digits": digits} for title, of, form, digits in shown]}
    made = outcome["made"]
    found["made"] = [{"command": portable(outcome["command"]), "started": made["started"],
                      "commit": (made.get("sources") or made.get("git") or {}).get("commit") or "unknown"}]
    write(name, found)


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command")
    one = commands.add_parser("collect")
    one.add_argument("name")
    one.add_argument("rows", nargs="+", metavar="ROW=RUN,RUN")
    one.add_argument("--take", nargs="+", required=True, metavar="METRIC")
    one.add_argument("--commit", default="unknown", help="of runs whose record has none")
    two = commands.add_parser("bench")
    two.add_argument("name")
    two.add_argument("results", type=Path)
    given = parser.parse_args()
    if given.command == "collect":
        collect(given.name, given.rows, given.take, given.commit)
    elif given.command == "bench":
        bench(given.name, given.results)
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if filled(text) != text:
            page.write_text(filled(text), encoding="utf-8")
            print(f"wrote {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
