"""Texts of received files: nothing of them is obeyed by a terminal, a browser, a shell or a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import shlex
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, strategies as st
from small_runs import recipe

import unbraid as library
from unbraid_configs import dump_recipe
from unbraid_registry.terminal import OBEYED, Shown, echo, lines, shown, style

Command = Callable[..., Any]
NASTY = ("red \x1b[31m title \x1b]0;PWNED\x07 csi \x9b31m right-to-left \u202e mark "
         "\u200f line \u2028 half \udc80 over\rwritten $\\frac$")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library.train(recipe("train.steps=8"), tmp_path_factory.mktemp("texts") / "run").folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A received run with an evaluation, all of whose names are nasty."""
    shutil.copytree(finished, tmp_path / "run")
    arm = {NASTY: {"score": 0.5, "accuracy": {NASTY: 0.5}}, "retrieval_map": {"score": 0.25, "matrix": [[0.5]],
           "factors": [NASTY], "chunks": [NASTY], "best": {NASTY: NASTY}, "chance": {NASTY: 0.1}}}
    (tmp_path / "run/evaluation.json").write_text(json.dumps({
        "format": 1, "title": NASTY, "step": 8, "factors": {NASTY: 2}, "arms": {"model": arm, NASTY: arm},
        "data": {NASTY: {"score": 1}}, "metrics": {NASTY: {"summary": NASTY, "better": "higher", "cost": 1}},
        "notes": [NASTY], "hooks": {NASTY: NASTY}, "source": NASTY, "split": NASTY}))
    return tmp_path / "run"


# -- recipes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("override", "told"), [
    (r'title="a \e]0;PWNED\a"', "title: U+001B"), (r'title="a \u202e b"', "title: U+202E (right-to-left override)"),
    (r'title="one\ntwo"', "title: a title is one line"), (r'paper="a \x9b31m"', "paper: U+009B"),
    (r'{"data": {"draw": {"x\u2067": {}}}}', ""), (r'data.source.count="\u0007"', "data.source.count: U+0007"),
], ids=["title", "bidi", "lines", "paper", "name", "option"])
def test_controls_are_refused_when_a_recipe_is_read(unbraid: Command, tmp_path: Path, override: str, told: str) -> None:
    (tmp_path / "received.yaml").write_text(dump_recipe(recipe("train.steps=1")))
    if not told:
        text = (tmp_path / "received.yaml").read_text().replace("watch:", 'watch:\n  "x\\u2067": mean(x1)')
        (tmp_path / "received.yaml").write_text(text)
        override, told = "train.steps=1", "U+2067 (right-to-left isolate) stands in this name"
    for command in ("check", "show", "draw", "train"):
        said = unbraid(command, "received.yaml", override)
        assert (said.code, told in said.err) == (2, True), said.err
        assert not OBEYED.search(said.out + said.err)


def test_python_objects_are_held_to_the_same() -> None:
    with pytest.raises(library.UnbraidError, match="U\\+001B"):
        recipe(title="a \x1b[31m")


@pytest.mark.parametrize("name", ['x"; touch PASTED; echo "', "a b", "-r requirements.txt", "x\n", "../x", ""])
def test_names_of_distributions_are_names(unbraid: Command, tmp_path: Path, name: str) -> None:
    (tmp_path / "received.yaml").write_text(json.dumps({"requires": {name: ">=0.2"}}))
    said = unbraid("check", "received.yaml")
    assert said.code == 2
    assert "is no name of a distribution" in said.err
    assert "pip install" not in said.err


@pytest.mark.parametrize("range_", [">=0.2", ">=0.2,<3", "*", "!=1; echo x", ">=1\n"])
def test_hints_to_paste_are_quoted(unbraid: Command, tmp_path: Path, range_: str) -> None:
    (tmp_path / "received.yaml").write_text(json.dumps({"requires": {"not_there": range_}}))
    said = unbraid("check", "received.yaml")
    assert said.code == 2
    if "pip install" in said.err:
        pasted = shlex.split(said.err[said.err.index("pip install"):].splitlines()[0].partition("   if you")[0])
        assert pasted[:2] == ["pip", "install"]
        assert len(pasted) == 3
        assert pasted[2].startswith("not_there")


# -- terminals --------------------------------------------------------------------------------------------------------


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    for made in (shown(text), shown(text) + text, text + shown("a"), lines([text, text])):
        assert not OBEYED.search(made)
        assert isinstance(made, Shown)
    assert OBEYED.sub("", text) == "".join(c for c in text if not OBEYED.match(c))


def test_styles_are_ours_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert style(NASTY, fg="red") == f"\x1b[31m{shown(NASTY)}\x1b[0m"
    assert not OBEYED.search((style("ok", fg="red") + NASTY).removeprefix("\x1b[31mok\x1b[0m"))
    echo(NASTY)
    echo(NASTY, err=True, bold=True)
    said = capsys.readouterr()
    assert not OBEYED.search(said.out + said.err)
    assert r"\x1b]0;PWNED\x07" in said.out


def test_a_terminal_gets_no_text_of_a_run_that_it_would_obey(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unbraid.cli import main

    ours, theirs = pty.openpty()
    monkeypatch.chdir(run.parent)
    monkeypatch.setenv("COLUMNS", "200")
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.setattr(sys, "stderr", terminal)
        chunks: list[bytes] = []
        reader = threading.Thread(target=lambda: chunks.extend(iter(lambda: _read(ours), b"")))
        reader.start()
        code = main(["compare", "run"])
        monkeypatch.undo()
    reader.join()
    os.close(ours)
    text = b"".join(chunks).decode().replace("\r\n", "\n")
    assert code == 0, text
    assert "\x1b[2m" in text                       # it is a terminal
    for ours_alone in ("\x1b[2m", "\x1b[0m", "\x1b[33m"):
        text = text.replace(ours_alone, "")
    assert not OBEYED.search(text)
    assert "PWNED" in text


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:                                # its other end was closed
        return b""


def test_no_command_prints_controls_of_files(unbraid: Command, run: Path, tmp_path: Path) -> None:
    (tmp_path / "pictures\x1b]0;T\x07").mkdir()
    for i in range(3):
        (tmp_path / "pictures\x1b]0;T\x07" / f"a{i}\x1b]0;TITLE\x07.png").write_bytes(b"no picture")
    said = [unbraid(*command) for command in (
        ("compare", "run"), ("check", "mixing-sprites", "--data", "pictures\x1b]0;T\x07"),
        ("edit", "run\x1b[2J", "swap"), ("evaluate", "run\x9b2J"), ("sweep", "--resume", "--out", "st\u202e"))]
    assert not OBEYED.search("".join(s.out + s.err for s in said))


# -- pages, figures, tables -------------------------------------------------------------------------------------------


def test_pages_have_no_controls_and_isolate_foreign_texts(unbraid: Command, run: Path) -> None:
    from unbraid_plugins.tools.reports import write_comparison, write_report

    (run / "recipe.yaml").write_text((run / "recipe.yaml").read_text() + f"\n# {NASTY[-9:-8]}\n")
    for page in (write_report(run), write_comparison([run, run], run.parent / "comparison.html")):
        text = page.read_text()
        assert not OBEYED.search(text)
        assert f"<bdi>{shown(NASTY)}</bdi>" in text


def test_figures_are_well_formed(unbraid: Command, finished: Path, tmp_path: Path) -> None:
    for title in ("a < b & c > d \"e\"", "</title><script>alert(1)</script>", "]]>", "$\\frac$ \u05d0\u05d1"):
        assert unbraid("draw", finished / "recipe.yaml", f"title={json.dumps(title)}", "--out", "figure.svg").code == 0
        root = ElementTree.parse(tmp_path / "figure.svg").getroot()
        assert not [e for e in root.iter() if e.tag.endswith("script")]


def test_a_spreadsheet_computes_nothing(unbraid: Command, run: Path) -> None:
    told = json.loads((run / "evaluation.json").read_text())
    told["arms"]["=cmd|'/C calc'!A0"] = told["arms"]["+1+@SUM(A1)"] = told["arms"]["model"]
    (run / "evaluation.json").write_text(json.dumps(told))
    rows = list(csv.reader(io.StringIO(unbraid("compare", "run", "--csv").out)))
    cells = [cell for row in rows for cell in row]
    assert "'=cmd|'/C calc'!A0" in cells
    assert not [c for c in cells if c[:1] in "=+-@" and c and not c.lstrip("+-").replace(".", "").isdigit()]


@pytest.mark.parametrize("facts", [
    {"distribution": 'x"; touch PASTED; echo "', "version": "1"}, {"file": "a b; touch x"},
    {"distribution": "x", "version": "1; touch PASTED"}, {"file": "a\nError: b"}])
def test_plugins_of_a_received_record_give_no_line_that_runs_more(facts: dict[str, str]) -> None:
    from unbraid_registry import plugin_changes, plugins_of, registry

    told = plugins_of({"sessions": [{"plugins": {"gone": facts, "bad\nname": facts}}]})
    for change in plugin_changes(told, registry()):
        assert "\n" not in f"{change}{change.remedy}"
        assert change.remedy.count(";") == 0 or "--plugin 'a b; touch x'" in change.remedy
