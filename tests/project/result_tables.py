"""Tables of measured numbers, generated from result files beside the docs: no number is typed by hand.

    python tests/project/result_tables.py                       write every generated table into its page
    python tests/project/result_tables.py collect NAME ROW=RUN,RUN ... --take METRIC ...
    python tests/project/result_tables.py bench NAME BENCH/results.json

A result file, docs/results/NAME.json, holds the values, the command and the commit of every run that they come from,
and the tables that are made of them:

    {"made":   [{"command": "unbraid train ...", "commit": "...", "started": "..."}],
     "values": {"ROW": {"COLUMN": [0.639, 0.678]}},             one value for each seed
     "settings": ["0.01"],                                      decimals in the section's text that are no results
     "tables": {"main": {"corner": "arm", "rows": {"title": "ROW"}, "columns": [
         {"title": "mAP", "of": "COLUMN", "digits": 3, "form": "spread"}]}}}

A page has the table between two comments, which no reader sees:

    <!-- results: NAME main -->
    <!-- end of results -->

`collect` reads each METRIC of each RUN: `retrieval_map`, a part as `chunk_probe.by_factor.pose`, or a path in another
file of the run as `probe.json:accuracy.linear.code.label.mean.0`. ROW:untrained=RUN takes a baseline of the evaluation.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
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
FORM = ["The paper's value and ours", "Failing ablation", "Picture"]     # of a fidelity page, after the deviations
FIDELITY = [page for page in sorted((ROOT / "docs/fidelity").glob("*.md")) if page.stem != "index"]


def read(name: str) -> dict[str, Any]:
    """A result file."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def table(found: Mapping[str, Any], name: str) -> list[str]:
    """The lines of a table of a result file."""
    plan = found["tables"][name]
    columns = plan["columns"]
    lines = [f"| {plan.get('corner', '')} | {' | '.join(c['title'] for c in columns)} |",
             "|---" * (len(columns) + 1) + "|"]
    for title, row in plan["rows"].items():
        values = found["values"].get(row, {})
        lines.append(f"| {title} | {' | '.join(cell(values.get(c['of']), c) for c in columns)} |")
    return lines


def cell(values: Sequence[float] | str | None, column: Mapping[str, Any]) -> str:
    """The text of a cell: a mean, all values, or a mean with its smallest and largest value or its interval."""
    if not values or isinstance(values, str):
        return values or ""
    digits, form = column.get("digits", 3), column.get("form", "mean")
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


# -- what a page says -------------------------------------------------------------------------------------------------


def sections(page: Path) -> Iterator[tuple[str, str]]:
    """The title and the text of every section of a page, as far as the next title of any level."""
    title, lines, fenced = "", list[str](), False
    for line in page.read_text(encoding="utf-8").splitlines(keepends=True):
        fenced ^= line.lstrip().startswith("```")
        if not fenced and (found := re.match(r"#{1,4} (.*)", line)):
            yield title, "".join(lines)
            title, lines = found[1].strip(), []
        lines.append(line)
    yield title, "".join(lines)


def named(page: Path, title: str) -> str:
    """`docs/results.md: Mixing on LPC sprites`."""
    return f"{page.relative_to(ROOT)}: {title}"


def quotes(page: Path, title: str) -> bool:
    """Whether a section quotes numbers of the results, each with a link; test_quoted_numbers.py compares them."""
    return page.name == "which-method.md" or (page.parent.name == "fidelity" and title in FORM)


def has_typed_table(text: str) -> bool:
    """Whether a table outside of the generated ones has a number with decimals, that somebody measured and typed."""
    plain = re.sub(r"```.*?```", "", BLOCK.sub("", text), flags=re.DOTALL)
    rows = [re.sub(r"`[^`]*`", "", line) for line in plain.splitlines() if line.startswith("|")]
    return any(re.search(r"(?<![\w.])\d+\.\d+(?![\w.])", cell) for line in rows for cell in line.split("|")[2:])


def untold(text: str) -> list[str]:
    """The decimals in the text of a section with generated tables that none of its result files has."""
    files = [read(m[2]) for m in BLOCK.finditer(text)]
    known = [v for found in files for row in found["values"].values() for values in row.values()
             if not isinstance(values, str) for v in (*values, fmean(values))]
    settings = {s for found in files for s in found.get("settings", [])}
    prose = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", BLOCK.sub("", text), flags=re.DOTALL)
    return [n for n in re.findall(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)", prose)
            if n not in settings and not any(abs(float(n) - v) <= 0.5000001 * 10.0 ** -len(n.partition(".")[2])
                                             for v in known)]


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
        made = [made_of(run, commit) for run in folders]
        found["made"] += [m for m in made if m not in found["made"]]
    write(name, found)


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
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: "[" + re.sub(r",\s+", ", ", m[1]) + "]",
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
