"""Tables of measured numbers, generated from result files (`result_files.py`): no number is typed by hand.

    python tests/project/result_tables.py                       write every generated table into its page
    python tests/project/result_tables.py collect NAME ROW=RUN,RUN ... --take METRIC ...
    python tests/project/result_tables.py bench NAME BENCH/results.json

A page has a table of a result file between two comments, which no reader sees:

    <!-- results: NAME main -->
    <!-- end of results -->

`collect` reads each METRIC of each RUN: `retrieval_map`, a part as `chunk_probe.by_factor.pose`, or a path in another
file of the run as `probe.json:accuracy.linear.code.label.mean.0`. ROW:untrained=RUN takes a baseline of the evaluation.
A RUN may also be a JSON file that a benchmark wrote; then --command says which, and a METRIC is a path in the file.
A new file gets a table `main` of its rows and metrics; a new row is added to it.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from house import ROOT
from result_files import kept, read, table, titled, without, write

PAGES = [ROOT / "README.md",
         *(ROOT / "docs" / page for page in ("results.md", "costs.md", "which-method.md", "claims.md", "bench.md")),
         *sorted((ROOT / "docs/methods").glob("*.md")), *sorted((ROOT / "docs/fidelity").glob("*.md")),
         *sorted((ROOT / "plugins/unbraid_plugins/papers").glob("*/*.md"))]
BLOCK = re.compile(r"(<!-- results: ([\w-]+) ([\w-]+) -->\n)(.*?)(<!-- end of results -->)", re.DOTALL)


def filled(text: str) -> str:
    """A page with every generated table made anew."""
    return BLOCK.sub(lambda m: m[1] + "\n".join(table(read(m[2]), m[3])) + "\n" + m[5], text)


def collect(
    name: str,
    rows: Sequence[str],
    take: Sequence[str],
    commit: str = "unknown",
    command: str = "unknown",
) -> None:
    """Write the values of runs into a result file, with the command and the commit of each; keep its tables.

    commit: that of runs whose record has none, where one knows which checkout made them.
    command: of a benchmark that wrote the JSON files which stand in the place of runs.
    """
    found = kept(name)
    for text in rows:
        row, _, runs = text.rpartition("=")
        title, _, arm = row.partition(":")
        folders = [Path(run) for run in runs.split(",")]
        found["values"][title] = {metric: values for metric in take if (values := [
            v for run in folders if (v := value_of(run, metric, arm or "model")) is not None])}
        found["made"] = without(found["made"], {title})
        found["made"] += [{**made_of(run, commit, command), "values": [title]} for run in folders]
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
    place = run if run.is_file() else run / (file or "evaluation.json")
    at: Any = json.loads(place.read_text(encoding="utf-8"))
    if not file and run.is_dir():
        at = at["arms"].get(arm, {})
        path = path if "." in path else f"{path}.score"
    for part in path.split("."):
        at = at[int(part)] if isinstance(at, list) else at.get(part) if isinstance(at, dict) else None
    return round(float(at), 6) if isinstance(at, int | float) else None


def made_of(run: Path, otherwise: str, command: str) -> dict[str, str]:
    """The command and the commit of a run, from its record; of a benchmark's file, as they are given."""
    if run.is_file():
        written = datetime.fromtimestamp(run.stat().st_mtime, UTC).isoformat(timespec="seconds")
        return {"file": run.name, "command": portable(command), "commit": otherwise, "started": written}
    session = json.loads((run / "run.json").read_text(encoding="utf-8"))["sessions"][0]
    commit = (session.get("sources") or session.get("git") or {}).get("commit")
    program, *words = session["command"]
    script = re.search(r"(?:tests|docs)/.*\.py$|[^/]+\.py$", program)
    program = f"python {script[0]}" if script else "unbraid"
    return {"run": run.name, "command": f"{program} {portable(shlex.join(words))}",
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command")
    one = commands.add_parser("collect")
    one.add_argument("name")
    one.add_argument("rows", nargs="+", metavar="ROW=RUN,RUN")
    one.add_argument("--take", nargs="+", required=True, metavar="METRIC")
    one.add_argument("--commit", default="unknown", help="of runs whose record has none")
    one.add_argument("--command", default="unknown", dest="made_by", help="of the benchmark that wrote JSON files")
    two = commands.add_parser("bench")
    two.add_argument("name")
    two.add_argument("results", type=Path)
    given = parser.parse_args()
    if given.command == "collect":
        collect(given.name, given.rows, given.take, given.commit, given.made_by)
        if any(made["commit"] == "unknown" for made in read(given.name)["made"]):
            print("The commit is unknown, since there is no record of it: add --commit COMMIT")
    elif given.command == "bench":
        bench(given.name, given.results)
    if given.command and not any(f"<!-- results: {given.name} " in page.read_text(encoding="utf-8") for page in PAGES):
        print("Put these two lines into a page, and `make results`:\n"
              f"<!-- results: {given.name} main -->\n<!-- end of results -->")
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if filled(text) != text:
            page.write_text(filled(text), encoding="utf-8")
            print(f"wrote {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
