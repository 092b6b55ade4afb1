"""Reports: a run's folder, or several, as one HTML file that opens from disk and asks nothing of a network.

`reading` finds what a folder tells, `scores`, `matrices`, `tables`, `curves` and `embedding` turn it into what a page
shows, `page` and `comparison` fill the templates. Nothing here loads a model or torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unbraid.record import write_whole
from unbraid.report.reading import ReportError, read_run

__all__ = ["FILE", "ReportError", "write_comparison", "write_report"]

FILE = "report.html"


def write_report(folder: Path) -> Path:
    """Write `report.html` into a run's folder, whole or not at all, and return its path.

    What is missing in the folder is told in the report.  Raises ReportError where evaluation.json can't be read,
    RunError where there is no run or no space.
    """
    from unbraid.report.page import report_page

    findings = read_run(folder)
    path = findings.folder / FILE
    write_whole(path, report_page(findings))
    return path


def write_comparison(folders: Sequence[Path], path: Path) -> Path:
    """Write a comparison of several runs to an HTML file, whole or not at all, and return its path.

    Raises ReportError, RunError.
    """
    from unbraid.report.comparison import comparison_page

    write_whole(path, comparison_page([read_run(folder) for folder in folders]))
    return path
