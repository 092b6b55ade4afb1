"""Measured numbers come from result files: tables are generated, and sections that are not converted yet are listed."""

from __future__ import annotations

import json
import re

import pytest
import result_tables
from house import ROOT
from result_tables import BLOCK, FOLDER, LARGEST, PAGES, filled, has_typed_table, named, quotes, read, sections, untold
from unconverted_sections import MOST, SHRINKING

FILES = sorted(FOLDER.glob("*.json"))
CONVERTED = [(page, title, text) for page in PAGES for title, text in sections(page) if BLOCK.search(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_generated_tables_are_those_of_their_result_files(page):
    text = page.read_text(encoding="utf-8")
    assert filled(text) == text, "make results"


@pytest.mark.parametrize(("page", "title", "text"), CONVERTED, ids=[named(p, t) for p, t, _ in CONVERTED])
def test_numbers_in_the_text_of_a_converted_section_are_in_its_result_files(page, title, text):
    assert untold(text) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_result_files_say_how_they_were_made(file):
    found = read(file.stem)
    assert file.stat().st_size <= LARGEST
    assert found["made"]
    for made in found["made"]:
        assert made["command"].startswith(("unbraid ", "python ", "py "))
        assert re.fullmatch(r"[0-9a-f]{7,40}", made["commit"]), "of which commit?"
    assert any(m[2] == file.stem for page in PAGES for m in BLOCK.finditer(page.read_text(encoding="utf-8")))


def test_tables_that_were_typed_stand_in_the_list_that_shrinks():
    typed = {named(page, title) for page in PAGES for title, text in sections(page)
             if has_typed_table(text) and not quotes(page, title)}
    assert not (new := sorted(typed - SHRINKING)), f"numbers without a result file: {new}; see {result_tables.__file__}"
    assert not (gone := sorted(SHRINKING - typed)), f"converted, so take them out of the list: {gone}"


def test_the_list_only_shrinks():
    assert len(SHRINKING) <= MOST, "a new section needs a result file, not a line in this list"


def test_values_are_collected_from_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(result_tables, "FOLDER", tmp_path)
    for seed, score in enumerate((0.5, 0.75)):
        run = tmp_path / f"run-{seed}"
        run.mkdir()
        arms = {"model": {"map": {"score": score, "by": {"skin": 0.25}}}, "untrained": {"map": {"score": 0.1}}}
        (run / "evaluation.json").write_text(json.dumps({"arms": arms}))
        (run / "probe.json").write_text(json.dumps({"accuracy": {"linear": [0.9]}}))
        record = {"command": ["unbraid", "train", "mixing", "--out", str(run)], "started": "", "git": None}
        (run / "run.json").write_text(json.dumps({"sessions": [record]}))
    result_tables.collect("toy", [f"all={tmp_path}/run-0,{tmp_path}/run-1", f"begin:untrained={tmp_path}/run-0"],
                          ["map", "map.by.skin", "probe.json:accuracy.linear.0"], "c0ffee1")
    found = read("toy")
    assert found["values"] == {"all": {"map": [0.5, 0.75], "map.by.skin": [0.25] * 2,
                                       "probe.json:accuracy.linear.0": [0.9] * 2},
                               "begin": {"map": [0.1]}}
    assert found["made"][1] == {"run": "run-1", "command": "unbraid train mixing --out run-1", "commit": "c0ffee1",
                                "started": ""}


def test_a_benchmark_becomes_a_result_file(tmp_path, monkeypatch):
    monkeypatch.setattr(result_tables, "FOLDER", tmp_path)
    scores = {"retrieval": {"values": [0.5, 0.75], "mean": 0.625}}
    (tmp_path / "results.json").write_text(json.dumps({
        "command": "unbraid bench toys --out /big/runs/toys", "made": {"started": "", "git": {"commit": "c0ffee1"}},
        "measures": {"retrieval": {}}, "data": {"cats": {}}, "baselines": {"cats": {"random": scores}},
        "cells": {"mixing@cats": {"method": "mixing", "data": "cats", "annotation": [], "parameters": {"model": 1234},
                                  "steps": 20, "seconds": [1.0, 3.0], "scores": scores, "untrained": scores}}}))
    result_tables.bench("toys", tmp_path / "results.json")
    found = read("toys")
    assert found["made"][0]["command"] == "unbraid bench toys --out toys"
    lines = result_tables.table(found, "cats")
    assert lines[2] == "| mixing | nothing | 1,234 | 20 | 2 | 0.625 [0.500, 0.750] |"
    assert [line.split(" | ")[0] for line in lines[3:]] == ["| *mixing, untrained*", "| random"]


def test_a_number_that_no_file_has_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(result_tables, "FOLDER", tmp_path)
    (tmp_path / "toy.json").write_text(json.dumps({
        "made": [], "values": {"a": {"score": [0.5, 0.75]}}, "settings": ["2.5"],
        "tables": {"main": {"rows": {"A": "a"}, "columns": [{"title": "score", "of": "score", "form": "spread"}]}}}))
    text = "<!-- results: toy main -->\n<!-- end of results -->\n0.625 in the mean, at 2.5; 0.50 to 0.75, `0.1`.\n"
    assert "| A | 0.625 (0.500 ... 0.750) |" in filled(text)
    assert untold(filled(text)) == []
    assert untold(filled(text).replace("0.50 to", "0.51 to")) == ["0.51"]
    assert not has_typed_table(filled(text))
    assert has_typed_table(filled(text) + "| B | 0.7 |\n")
    assert filled(text).replace("| 0.625", "| 0.626") != filled(filled(text))
