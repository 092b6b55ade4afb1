"""Measured numbers come from result files: tables are generated, and sections that are not converted yet are listed."""

from __future__ import annotations

import json
import re

import pytest
import result_files
import result_tables
from house import ROOT
from page_numbers import FILE, NUMBER, PERCENT, SETTINGS, TOLD, has_typed_table, named, quotes, sections, untold
from result_files import FOLDER, LARGEST, read, row_of, table, titled, without
from result_tables import PAGES, filled

FILES = sorted(set(FOLDER.glob("*.json")) - {SETTINGS})
CONVERTED = [(page, title, text) for page in TOLD for title, text in sections(page)
             if (NUMBER.search(text) or PERCENT.search(text))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_generated_tables_are_those_of_their_result_files(page):
    text = page.read_text(encoding="utf-8")
    assert filled(text) == text, "make results"


@pytest.mark.parametrize(("page", "title", "text"), CONVERTED, ids=[named(p, t) for p, t, _ in CONVERTED])
def test_numbers_of_a_section_are_in_its_result_files(page, title, text):
    assert untold(page, title, text) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_result_files_say_how_they_were_made(file):
    found = read(file.stem)
    assert file.stat().st_size <= LARGEST
    assert found["made"]
    texts = {f"in the text: {name}" for name in found["values"].get("in the text", {})}
    rows = {*found["values"]} - {"in the text"}
    covered = set[str]()
    for made in found["made"]:
        commands = [made["command"]] if isinstance(made["command"], str) else made["command"]
        commits = made["commit"] if isinstance(made["commit"], dict) else {made["commit"]: made.get("values", [])}
        assert commands
        assert all(re.search(r"(^|; |do )(unbraid|python|py|make|bash) |^\w+=", command) for command in commands)
        assert all(re.fullmatch(r"[0-9a-f]{7,40}", commit) for commit in commits), "of which commit?"
        mine = {row for part in commits.values() for row in part} or rows | texts
        covered |= mine | (texts if "in the text" in mine else set())
        assert made.get("recorded") is True or made["started"], "of which run?"
    assert covered - {"in the text"} == rows | texts, "each value has a command and a commit"
    assert all(row["cited"] for row in found.get("papers", {}).values()), "from which paper?"
    assert any(file.stem in FILE.findall(page.read_text(encoding="utf-8")) for page in TOLD), "no page shows it"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_tables_show_values_that_their_file_has(file):
    found = read(file.stem)
    for name, plan in found["tables"].items():
        shown = {of for column in plan["columns"] for of in [column.get("of", column["title"])]}
        for title, row in titled(plan["rows"]):
            assert shown & {*row_of(found, row)}, f"{name}: {title} is empty"


def test_no_table_of_measured_numbers_is_typed():
    typed = [named(page, title) for page in TOLD for title, text in sections(page)
             if has_typed_table(page, title, text) and not quotes(page, title)]
    assert not typed, f"numbers without a result file: {typed}; see docs/recording.md"


def test_values_are_collected_from_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(result_files, "FOLDER", tmp_path)
    for seed, score in enumerate((0.5, 0.75)):
        run = tmp_path / f"run-{seed}"
        run.mkdir()
        arms = {"model": {"map": {"score": score, "by": {"skin": 0.25}}}, "untrained": {"map": {"score": 0.1}}}
        (run / "evaluation.json").write_text(json.dumps({"arms": arms}))
        (run / "probe.json").write_text(json.dumps({"accuracy": {"linear": [0.9]}}))
        program = ["/usr/bin/unbraid", "/big/unbraid/tests/benchmarks/study.py"][seed]
        record = {"command": [program, "train", "mixing", "--out", str(run)], "started": "", "git": None}
        (run / "run.json").write_text(json.dumps({"sessions": [record]}))
    result_tables.collect("toy", [f"all={tmp_path}/run-0,{tmp_path}/run-1", f"begin:untrained={tmp_path}/run-0"],
                          ["map", "map.by.skin", "probe.json:accuracy.linear.0"], "c0ffee1")
    found = read("toy")
    assert found["values"] == {"all": {"map": [0.5, 0.75], "map.by.skin": [0.25] * 2,
                                       "probe.json:accuracy.linear.0": [0.9] * 2},
                               "begin": {"map": [0.1]}}
    assert table(found, "main")[2:] == ["| all | 0.625 (0.500 ... 0.750) | 0.250 (0.250 ... 0.250) | "
                                                      "0.900 (0.900 ... 0.900) |", "| begin | 0.100 | | |"]
    assert found["made"][0] == {"run": "run-0", "command": "unbraid train mixing --out run-0", "commit": "c0ffee1",
                                "started": "", "values": ["all"]}
    assert found["made"][1]["command"] == "python tests/benchmarks/study.py train mixing --out run-1"


def test_what_is_measured_anew_has_its_new_origin_alone():
    made = [{"command": "a", "recorded": True, "commit": {"c0ffee1": ["one"], "c0ffee2": ["one", "two"]}},
            {"command": "b", "commit": "c0ffee3", "values": ["one"]}, {"command": "c", "commit": "c0ffee4"}]
    assert without(made, {"one"}) == [{**made[0], "commit": {"c0ffee2": ["two"]}}, made[2]]


def test_values_are_collected_from_the_file_of_a_benchmark(tmp_path, monkeypatch):
    monkeypatch.setattr(result_files, "FOLDER", tmp_path)
    (tmp_path / "times.json").write_text(json.dumps({"list": {"seconds": 0.18}}))
    result_tables.collect("waiting", [f"list={tmp_path}/times.json"], ["list.seconds"], "c0ffee1",
                          "python tests/benchmarks/waiting.py --out /big/times.json")
    found = read("waiting")
    assert table(found, "main")[2:] == ["| list | 0.180 |"]
    assert found["made"][0]["command"] == "python tests/benchmarks/waiting.py --out times.json"
    assert found["made"][0]["commit"] == "c0ffee1"


def test_a_benchmark_becomes_a_result_file(tmp_path, monkeypatch):
    monkeypatch.setattr(result_files, "FOLDER", tmp_path)
    scores = {"retrieval": {"values": [0.5, 0.75], "mean": 0.625}}
    (tmp_path / "results.json").write_text(json.dumps({
        "command": "unbraid bench toys --out /big/runs/toys", "made": {"started": "", "git": {"commit": "c0ffee1"}},
        "measures": {"retrieval": {}}, "data": {"cats": {}}, "baselines": {"cats": {"random": scores}},
        "cells": {"mixing@cats": {"method": "mixing", "data": "cats", "annotation": [], "parameters": {"model": 1234},
                                  "steps": 20, "seconds": [1.0, 3.0], "scores": scores, "untrained": scores}}}))
    result_tables.bench("toys", tmp_path / "results.json")
    found = read("toys")
    assert found["made"][0]["command"] == "unbraid bench toys --out toys"
    lines = table(found, "cats")
    assert lines[2] == "| mixing | nothing | 1,234 | 20 | 2 | 0.625 [0.500, 0.750] |"
    assert [line.split(" | ")[0] for line in lines[3:]] == ["| *mixing, untrained*", "| random"]


def test_tables_have_rows_of_several_seeds_forms_of_single_cells_and_what_papers_say():
    found = {"values": {"one": {"map": [0.5], "loss": [2]}, "two": {"map": [0.75], "loss": [3.0]},
                        "three": {"map": {"mean": 0.5, "least": 0.25, "most": 0.5}, "loss": "not told"}},
             "papers": {"theirs": {"cited": "A. Body, 1999", "map": [0.9]}},
             "tables": {"main": {"rows": [["both", ["one", "two"]], "one", "three", ["the paper's", "theirs"]],
                                 "cells": {"one": {"map": "**{:.1f}** at the end", "loss": ""}},
                                 "columns": [{"title": "mAP", "of": "map", "digits": 2, "form": "spread"},
                                             {"title": "loss", "form": "{1:.0f}, then {0:.0f}"}]}}}
    assert table(found, "main") == [
        "| | mAP | loss |", "|---|---|---|", "| both | 0.62 (0.50 ... 0.75) | 3, then 2 |",
        "| one | **0.5** at the end | |", "| three | 0.50 (0.25 ... 0.50) | not told |", "| the paper's | 0.90 | |"]


def test_a_number_that_no_file_has_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(result_files, "FOLDER", tmp_path)
    (tmp_path / "toy.json").write_text(json.dumps({
        "made": [], "values": {"a": {"score": [0.5, 0.75]}}, "settings": ["2.5"],
        "tables": {"main": {"rows": {"A": "a"}, "columns": [{"title": "score", "of": "score", "form": "spread"}]}}}))
    text = "<!-- results: toy main -->\n<!-- end of results -->\n0.625 in the mean, at 2.5; 0.500 to 0.750, `0.1`.\n"
    assert "| A | 0.625 (0.500 ... 0.750) |" in filled(text)
    page = ROOT / "README.md"
    assert untold(page, "", filled(text)) == []
    assert untold(page, "", filled(text).replace("0.500 to", "0.501 to")) == ["0.501"]
    assert untold(page, "", filled(text).replace("0.500 to", "0.50 to")) == ["0.50"], "rounded further"
    assert untold(page, "", filled(text).replace("0.500 to 0.750", "50 to 76 %")) == ["76 %"]
    assert not has_typed_table(page, "", filled(text))
    assert has_typed_table(page, "", filled(text) + "| B | 0.7 |\n")
    assert not has_typed_table(page, "", filled(text) + "| B | [0.7](docs/results.md#toys) |\n")
    assert filled(text).replace("| 0.625", "| 0.626") != filled(filled(text))
