"""`list`, `list NAME`, completion, and the catalogue that is kept between processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plugin_life import Shelf

from unbraid_plugins.tools.lookup import catalogue, kept, show

SOURCE = '''
import attrs
from unbraid import hookimpl, loss, network

@loss{mark}
def near(a, b, *, strength: float = 1.0, norm: str):
    """Their distance.

    a, b: (B, D).
    """
    return strength * (a - b).abs().mean()

@hookimpl
def unbraid_components():
    return [near]
'''


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_everything_about_a_component(shelf: Shelf, unbraid: Callable[..., Any]) -> None:
    shelf.install("tv", "1.5", SOURCE.format(mark='(renamed={"weight": "strength"}, formerly="close")'))
    said = unbraid("list", "tv.near")
    lines = [" ".join(line.split()) for line in said.out.splitlines()]
    assert lines[0] == "tv.near loss, unbraid-tv 1.5"
    assert lines[1].endswith("unbraid_tv.py:5")
    assert "a, b: (B, D)." in lines
    assert "takes a, b" in lines
    assert "gives a scalar, the mean over the batch" in lines
    assert "strength a number 1.0" in lines
    assert "norm text (needed)" in lines
    assert "weight called strength now" in lines
    assert unbraid("list", "tv.close").out == said.out
    assert unbraid("list", "near").out == said.out


def test_kinds_recipes_and_unknown_names(unbraid: Callable[..., Any]) -> None:
    assert {e["kind"] for e in json.loads(unbraid("list", "losses", "--json").out)} == {"loss"}
    assert "unbraid check mixing-sprites" in unbraid("list", "mixing-sprites").out
    said = unbraid("list", "conv_encodr")
    assert said.code == 2
    assert "did you mean 'conv_encoder'?" in said.err


@pytest.mark.parametrize("words", [["list"], ["plugins"], ["plugins", "--json"], ["show", "mixing-sprites"]])
def test_it_is_kept_and_equal(words: list[str], unbraid: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    first = unbraid(*words).out
    monkeypatch.setattr(catalogue, "catalogue", lambda plain: pytest.fail("it was made again"))
    monkeypatch.setattr(show, "shown", lambda recipe, overrides: pytest.fail("it was resolved again"))
    assert unbraid(*words).out == first
    assert first.strip()


def test_what_is_shown_of_a_file_is_not_kept(tmp_path: Path, unbraid: Callable[..., Any]) -> None:
    file = tmp_path / "mine.yaml"
    for steps in (5, 6):
        file.write_text(f"base: mixing-sprites\ntrain: {{steps: {steps}}}\n")
        assert f"steps: {steps} " in " ".join(unbraid("show", "mine.yaml").out.split())
    unbraid("show", "mixing-sprites")
    file.rename(tmp_path / "mixing-sprites.yaml")
    assert "steps: 6 " in " ".join(unbraid("show", "mixing-sprites.yaml").out.split())
    assert "steps: 7 " in " ".join(unbraid("show", "mixing-sprites", "train.steps=7").out.split())


@pytest.mark.parametrize("change", ["install", "upgrade", "uninstall", "edit"])
def test_it_is_thrown_away_when_anything_changes(shelf: Shelf, change: str) -> None:
    if change != "install":
        shelf.install("tv", "1.5", SOURCE.format(mark=""))
    catalogue.catalogue()
    assert kept.read() is not None
    if change == "install":
        shelf.install("tv", "1.5", SOURCE.format(mark=""))
    elif change == "upgrade":
        shelf.install("tv", "1.6", SOURCE.format(mark=""))
    elif change == "uninstall":
        shelf.uninstall("tv")
    else:
        (shelf.folder / "unbraid_tv.py").write_text(SOURCE.format(mark="") + "\n# one line more\n")
    assert kept.read() is None
    made = {e["name"] for e in catalogue.catalogue()["entries"]}
    assert ("tv.near" in made) == (change != "uninstall")


@pytest.mark.parametrize("spoil", ["[]", "{", '{"state": 1}', '{"state": [], "files": [], "entries": 3}'])
def test_a_damaged_one_is_made_again(own_folder: Path, spoil: str, unbraid: Callable[..., Any]) -> None:
    own_folder.mkdir()
    Path(kept.place() or "").write_text(spoil)
    assert kept.read() is None
    assert "conv_encoder" in unbraid("list", "encoder").out
    assert kept.read() is not None


def test_one_that_others_can_write_is_not_read(own_folder: Path) -> None:
    catalogue.catalogue()
    file = Path(kept.place() or "")
    assert file.stat().st_mode & 0o077 == 0
    file.chmod(0o666)
    assert kept.read() is None


def test_other_plugins_than_usual_are_not_kept(tmp_path: Path, unbraid: Callable[..., Any]) -> None:
    (tmp_path / "mine.py").write_text(SOURCE.format(mark=""))
    assert "mine.near" in unbraid("list", "loss", "--plugin", "mine.py").out
    assert kept.read() is None
    assert "mine.near" not in unbraid("list", "loss").out


def test_problems_are_told_from_the_kept_one_too(shelf: Shelf, unbraid: Callable[..., Any]) -> None:
    shelf.install("tv", "1.5", "import no_such_module\n")
    for _ in range(2):
        assert "plugin 'tv' (unbraid-tv 1.5) is not loaded" in unbraid("list", "loss").err
        shelf.look_again()


def ask(*words: str, folder: Path | None = None) -> list[str]:
    done = subprocess.run([sys.executable, "-P", kept.__file__, *words], capture_output=True, text=True, check=True,
                          cwd=folder)
    return done.stdout.split()


def test_the_shell_is_answered(tmp_path: Path, unbraid: Callable[..., Any]) -> None:
    unbraid("list")
    run = tmp_path / "runs" / "first"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")
    (run / "recipe.yaml").write_text("title: A\ncode:\n  look: 24\n  chunk: 2 x 4\nweights:\n  beta: 1\n")
    assert set(ask("tr", folder=tmp_path)) == {"train", "train-seeds", "translate", "traverse"}
    assert ask("train", "mixing-spr", folder=tmp_path) == ["mixing-sprites"]
    assert "conv_encoder" in ask("list", "conv_", folder=tmp_path)
    assert "--metrics" in ask("evaluate", "--m", folder=tmp_path)
    assert ask("edit", "", folder=tmp_path) == ["runs/first"]
    assert ask("edit", "runs/first", "swap", "--factor", "", folder=tmp_path) == ["look", "chunk", "chunk1", "chunk2"]


def test_the_shell_is_answered_at_once_and_without_torch(unbraid: Callable[..., Any]) -> None:
    unbraid("list")
    code = ("import sys, time; sys.argv = ['kept', 'train', 'm']; import runpy\n"
            f"runpy.run_path({kept.__file__!r}, run_name='__main__')\n"
            "assert not {'torch', 'numpy', 'attrs', 'click', 'unbraid_registry'} & set(sys.modules)\n"
            "print(time.process_time())")
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert "mixing-sprites" in done.stdout
    assert float(done.stdout.split()[-1]) < 0.2


def test_a_missing_catalogue_is_made_behind_the_shells_back(own_folder: Path) -> None:
    assert ask("train", "mix") == []
    until = time.monotonic() + 60
    while kept.read() is None and time.monotonic() < until:
        time.sleep(0.5)
    assert ask("train", "mixing-spr") == ["mixing-sprites"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_ones(shell: str, tmp_path: Path, unbraid: Callable[..., Any]) -> None:
    script = tmp_path / "script"
    script.write_text(unbraid("completion", shell).out)
    assert os.fspath(kept.__file__) in script.read_text()
    if shutil.which(shell):
        assert subprocess.run([shell, "-n", str(script)], check=False).returncode == 0


def test_bash_completes(tmp_path: Path, unbraid: Callable[..., Any]) -> None:
    catalogue.catalogue()
    script = tmp_path / "script"
    script.write_text(unbraid("completion", "bash").out + "COMP_WORDS=(unbraid check mixing-spr); COMP_CWORD=2\n"
                      '_unbraid; echo "${COMPREPLY[@]}"\n')
    done = subprocess.run(["bash", str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["mixing-sprites"]
