"""The results of a study: `table.csv`, `results.json` and plots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unbraid.runs import write_whole
from unbraid_plugins.tools.studies.folder import Study
from unbraid_plugins.tools.studies.groups import as_json, groups_of
from unbraid_plugins.tools.studies.scores import UDR, Row, with_scores
from unbraid_registry.files import Each, Fields, Maybe, check, read_json, write_json

FORMAT = 1
FILE = "results.json"
RESULTS = Fields({"format": int, UDR: Fields({"runs": Each(Fields({"score": Maybe(float), "step": Maybe(int)},
                                                                  ("score",)), 100_000)})}, ("format",))
LARGEST = 64 << 20                                 # bytes: thousands of runs


def write_results(study: Study, rows: Sequence[Row]) -> list[Path]:
    """Write table, results and plots of a study's rows; return the files.  Raises UnbraidError."""
    from unbraid_plugins.tools.studies.plots import write_plots
    from unbraid_plugins.tools.studies.tables import table_csv

    write_whole(study.folder / "table.csv", table_csv(rows))
    kept = {key: value for key, value in read_results(study).items() if key == UDR}
    result = {"format": FORMAT, **as_json(rows, groups_of(rows)), **kept}
    write_json(study.folder / FILE, _rounded(result), LARGEST)
    return [study.folder / "table.csv", study.folder / FILE, *write_plots(rows, study.folder / "plots")]


def write_ranking(places: Sequence[Path], rows: Sequence[Row], ranking: dict[str, Any]) -> list[Path]:
    """Add a ranking to the `results.json` of its study, and rewrite the study's table and plots.

    Returns the files. Only a ranking of a single study is written.
    """
    study = Study(places[0])
    if len(places) != 1 or not study.plan_file.is_file():
        return []
    result = {**read_results(study), "format": FORMAT, UDR: ranking}
    write_json(study.folder / FILE, _rounded(result), LARGEST)
    return write_results(study, rows)


def with_ranking(place: Path, rows: Sequence[Row]) -> list[Row]:
    """Return the rows with their scores of an earlier ranking, for models that are still at the same step."""
    known = read_results(Study(place)).get(UDR, {}).get("runs", {})
    return with_scores(rows, UDR, {row.name: known[row.name]["score"] for row in rows
                                   if known.get(row.name, {}).get("step") == row.step and row.step is not None})


def read_results(study: Study) -> dict[str, Any]:
    """Read `results.json`; return an empty dict if it is missing, unreadable or of another format."""
    try:
        found = read_json(study.folder / FILE, LARGEST)
        check(found, RESULTS)
    except (OSError, ValueError):
        return {}
    return dict(found) if found["format"] == FORMAT else {}


def _rounded(v: Any) -> Any:
    """Round floats to 6 decimals."""
    if isinstance(v, dict):
        return {key: _rounded(x) for key, x in v.items()}
    return [_rounded(x) for x in v] if isinstance(v, list | tuple) else round(v, 6) if isinstance(v, float) else v
