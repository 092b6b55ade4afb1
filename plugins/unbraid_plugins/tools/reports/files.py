"""Reports as files: of one run, and of several runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unbraid.runs import write_whole
from unbraid_plugins.tools.reports.run_reader import read_run

FILE = "report.html"


def write_report(folder: Path, evaluation: dict[str, Any] | None = None) -> Path:
    """Write `report.html` into a run's folder, whole or not at all, and return its path.

    evaluation: the run's evaluation, where evaluation.json is not written yet.

    The report lists everything that is missing in the folder.  Raises ReportError where evaluation.json can't be read,
    RunError where there is no run, FileError where there is no space.
    """
    from unbraid_plugins.tools.reports.page import report_page

    findings = read_run(folder, evaluation)
    path = findings.folder / FILE
    write_whole(path, report_page(findings))
    return path


def write_comparison(folders: Sequence[Path], path: Path) -> Path:
    """Write a comparison of several runs to an HTML file, whole or not at all, and return its path.

    Raises ReportError, RunError, FileError.
    """
    from unbraid_plugins.tools.reports.comparison import comparison_page

    write_whole(path, comparison_page([read_run(folder) for folder in folders]))
    return path
