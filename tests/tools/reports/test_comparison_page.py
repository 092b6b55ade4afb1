"""The comparison of several runs: seeds grouped, means, ranges, and what differs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from page_reading import Page

from unbraid_plugins.tools.reports import read_run, write_comparison
from unbraid_plugins.tools.reports.comparison import grouped, names, remarks


def rows(page: Page, table: int) -> list[list[tuple[str, str | None]]]:
    """Text and value of the cells of a table's body."""
    found: list[list[tuple[str, str | None]]] = []
    tables = -1
    for e in page.elements:
        tables += e.tag == "table"
        if tables == table and "tbody" in e.path and e.tag == "tr":
            found.append([])
        if tables == table and "tbody" in e.path and e.tag in ("td", "th"):
            found[-1].append((" ".join(e.text.split()), e.attributes.get("data-value")))
    return found


def test_seeds_are_one_row_with_mean_and_range(many: list[Path], tmp_path: Path) -> None:
    page = Page(write_comparison(many, tmp_path / "c.html").read_text())
    low, high, other = rows(page, 0)
    assert [r[0][0] for r in (low, high, other)] == ["low", "high", "other"]
    assert low[1] == ("0, 1", "0, 1")
    assert low[2][0] == "0.705 best 0.655 to 0.755"
    assert float(low[2][1] or "") == pytest.approx(0.705)
    assert other[2][0] == "0.705"
    assert high[2][0] == "0.505 0.455 to 0.555"


@pytest.mark.parametrize("form", ["low,seed={}", "low-seed{}", "low_{}", "low, seed {}"])
def test_seeds_are_no_part_of_a_methods_name(many: list[Path], form: str) -> None:
    folders = [run.rename(run.parent / form.format(i)) for i, run in enumerate(many[:2])]
    assert grouped([read_run(run) for run in [*folders, many[2]]])[0].name == "low"


def test_what_differs_is_named(many: list[Path]) -> None:
    groups = grouped([read_run(run) for run in many])
    assert [g.differences for g in groups] == [
        ["A title", "weights.beta = 1.0"], ["A title", "weights.beta = 4.0"], ["Another method"]]
    assert grouped([read_run(many[0])])[0].differences == []


def test_what_is_usual_is_not_named(many: list[Path]) -> None:
    folders = many[:4]
    text = (folders[2] / "recipe.yaml").read_text()
    (folders[2] / "recipe.yaml").write_text(text.replace("beta: 4.0", "beta: 1.0\n  gamma: 2"))
    (folders[3] / "recipe.yaml").write_text(text.replace("  source: {type: sources.sprites, size: 16}", "  batch: 2"))
    found = {g.name: g.differences for g in grouped([read_run(f) for f in folders])}
    assert found["low"] == []
    assert found["high-0"] == ["weights.gamma = 2"]
    assert found["high-1"] == ["data.batch = 2", "weights.beta = 4.0", "without data.source"]


def test_every_run_and_control_has_a_row(many: list[Path], tmp_path: Path) -> None:
    page = Page(write_comparison(many, tmp_path / "c.html").read_text())
    lines = rows(page, 1)
    assert [line[1][0] for line in lines[:4]] == ["model", "untrained", "pixels", "perfect"]
    assert len(lines) == 20
    assert lines[0][3] == ("0.755 0.730 to 0.780", "0.755")
    assert lines[2][5] == ("–", "")


def test_it_is_whole_without_a_script(many: list[Path], tmp_path: Path) -> None:
    page = Page(write_comparison(many, tmp_path / "c.html").read_text())
    assert not page.all("button"), "the script adds them: without it they would do nothing"
    assert "0.705" in page.text


def test_runs_that_were_measured_otherwise_are_told(many: list[Path]) -> None:
    folders = many[:2]
    assert remarks([read_run(f) for f in folders]) == []
    found = json.loads((folders[0] / "evaluation.json").read_text())
    (folders[0] / "evaluation.json").write_text(json.dumps(found | {"images": 7, "factors": {"skin": 2}}))
    first, second = remarks([read_run(f) for f in folders])
    assert "number of images: 100, 7" in first
    assert "different factors" in second


def test_runs_of_one_name_are_told_apart(many: list[Path], tmp_path: Path) -> None:
    folders = many
    (tmp_path / "again").mkdir()
    twin = folders[4].rename(tmp_path / "again" / "low-0")
    assert names([read_run(f) for f in (folders[0], twin)]) == [str(folders[0]), str(twin)]


def test_a_run_that_is_not_evaluated_stands_beside(many: list[Path], tmp_path: Path) -> None:
    folders = many
    (folders[4] / "evaluation.json").unlink()
    (folders[3] / "recipe.yaml").unlink()
    page = Page(write_comparison(folders, tmp_path / "c.html").read_text())
    assert [r[0][0] for r in rows(page, 0)] == ["low", "high-0", "high-1", "other"]
    assert rows(page, 0)[3][2] == ("–", "")
    assert "The run is not evaluated" in page.text
