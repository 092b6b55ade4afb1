"""Calls that could run a program, or let a file choose one, stand where they are meant to and nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from house import HOUSE

PROCESSES = {"subprocess", "multiprocessing", "pty", "webbrowser", "popen2", "commands", "pexpect", "imageio_ffmpeg"}
STARTERS = {"system", "popen", "startfile", "fork", "forkpty", "posix_spawn", "posix_spawnp",
            *(f"{kind}{how}" for kind in ("exec", "spawn") for how in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe"))}
MEANT = {                                          # who starts something, and what
    "origin.py": "git, in the checkout that Unbraid is installed from",
    "runner.py": "children of a sweep: this Python, without the working folder on its path",
    "plugin.py": "a plugin's suite: this Python, without the working folder on its path",
    "dci.py": "forked workers, or this Python with the path of the one that starts them",
    "command.py": "the browser, at the viewer's address",
    "film.py": "ffmpeg, as imageio-ffmpeg finds it",
}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for file in HOUSE.files.values():
        yield file, ast.parse(file.read_text(encoding="utf-8"))


def calls(name: str) -> Iterator[tuple[Path, ast.Call]]:
    """All calls of a function or method of this name."""
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name in (getattr(node.func, "attr", ""), getattr(node.func, "id", "")):
                yield file, node


def test_processes_are_started_where_they_are_meant_to():
    modules = {(i.file, i.line) for i in HOUSE.everything() if i.package in PROCESSES}
    found = {file for file, _ in modules} | {
        file for file, tree in trees() for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in STARTERS and getattr(node.value, "id", "") == "os"}
    assert {file.name for file in found} == set(MEANT)


def test_python_children_never_import_from_the_working_folder():
    lists = [(file, node) for file, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.List)
             and node.elts and ast.unparse(node.elts[0]) == "sys.executable"]
    assert len(lists) == 2
    for _, node in lists:
        assert ast.literal_eval(node.elts[1]) == "-P"


def test_pillow_is_told_which_formats_to_read():
    """It would recognise any by content, and has Ghostscript run PostScript."""
    opened = [(file, node) for file, node in calls("open") if ast.unparse(node.func) == "Image.open"]
    assert opened
    for file, node in opened:
        assert "formats" in [k.arg for k in node.keywords], f"{file}:{node.lineno}"


def test_matplotlib_is_imported_past_the_settings_of_the_working_folder():
    where = {i.file.name for i in HOUSE.everything() if i.package == "matplotlib"}
    assert where == {"plots.py"}


def test_figures_are_drawn_with_settings_of_ours(tmp_path, monkeypatch):
    """Whatever matplotlib was told before."""
    import matplotlib as mpl
    import numpy as np

    from unbraid_plugins.tools.display import Row, write_rows

    row = Row(np.zeros((2, 1, 8, 8), np.float32), "a $label$")
    pictures = []
    for colour in ("black", "red"):
        with mpl.rc_context({"text.usetex": colour == "red", "figure.facecolor": colour, "font.family": "serif"}):
            pictures.append(write_rows(tmp_path / f"{colour}.png", [row]).read_bytes())
    assert pictures[0] == pictures[1]
