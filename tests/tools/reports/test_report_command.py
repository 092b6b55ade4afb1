"""Reports at the end of `unbraid evaluate`: one that can't be written costs one message and keeps no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import unbraid_plugins.tools.evaluation
from unbraid.cli import main
from unbraid_plugins.tools.evaluation import Reports
from unbraid_plugins.tools.reports import ReportError, read_evaluation


def write_reports(folders: list[Path], comparison: Path, *, quiet: bool) -> None:
    """As the command does."""
    reports = Reports()
    for folder in folders:
        reports.write(folder, {"arms": {}} if folder.name == "damaged" else read_evaluation(folder / "evaluation.json"))
    reports.compare(folders, comparison)
    reports.tell(quiet=quiet)


def test_every_run_has_a_report_and_several_a_comparison(many: list[Path], capsys: pytest.CaptureFixture[str],
                                                         tmp_path: Path) -> None:
    write_reports(many[:2], tmp_path / "c.html", quiet=False)
    assert capsys.readouterr().out.splitlines() == [
        f"wrote {many[0]}/report.html", f"wrote {many[1]}/report.html", f"wrote {tmp_path}/c.html"]
    write_reports(many[:1], tmp_path / "d.html", quiet=True)
    assert not (tmp_path / "d.html").exists()
    assert capsys.readouterr().out == "", "with --json the output is JSON alone"


def test_a_damaged_run_does_not_keep_the_others(many: list[Path], capsys: pytest.CaptureFixture[str],
                                                tmp_path: Path) -> None:
    damaged = many[0].rename(many[0].with_name("damaged"))
    (damaged / "evaluation.json").write_text("{")
    (damaged / "report.html").unlink(missing_ok=True)
    (damaged / "report.html").mkdir()              # nothing can be written there
    with pytest.raises(ReportError, match="can't read"):
        write_reports([damaged, many[1]], tmp_path / "c.html", quiet=False)
    said = capsys.readouterr()
    assert said.out == f"wrote {many[1]}/report.html\n"
    assert said.err.count("Error:") == 1                               # the last one is raised, for the exit code


def test_reports_are_written_unless_they_are_not_wanted(run: Path, monkeypatch: pytest.MonkeyPatch,
                                                        capsys: pytest.CaptureFixture[str]) -> None:
    def measured(*_: object, before: Callable[[dict[str, Any]], object], **__: object) -> dict[str, Any]:
        before({"arms": {}})
        return {"pictures": {}}

    monkeypatch.setattr(unbraid_plugins.tools.evaluation, "evaluate", measured)
    monkeypatch.setattr(unbraid_plugins.tools.evaluation, "table", lambda *_, **__: "the table")
    assert main(["evaluate", str(run), "--no-report"]) == 0
    assert "report.html" not in capsys.readouterr().out
    assert not (run / "report.html").exists()
    assert main(["evaluate", str(run)]) == 0
    assert capsys.readouterr().out.splitlines() == ["the table", f"wrote {run}/evaluation.json",
                                                    f"wrote {run}/report.html"]
