"""Work in a folder that somebody sent: nothing of it is run, imported or read but what was named."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from ast import literal_eval
from html import unescape
from pathlib import Path
from typing import Any

import attrs
import pytest
from PIL import Image

import unbraid
from unbraid_configs import dump_recipe, load_recipe
from unbraid_plugins.tools.studies import Plan, Study

HERE = Path(__file__).parent
PROGRAMS = ("gs", "latex", "xelatex", "dvipng", "ffmpeg", "sh-from-git")
MARK = "open({marker!r}, 'a').write({name!r} + '\\n')\n"


@attrs.frozen
class Received:
    """A hostile folder, and where its code would leave its mark."""

    folder: Path
    marker: Path

    @property
    def marks(self) -> list[str]:
        return self.marker.read_text().split() if self.marker.exists() else []

    def mark(self, name: str) -> str:
        """Python code that says that it was run."""
        return MARK.format(marker=str(self.marker), name=name)

    def unbraid(self, *arguments: str, watch: Path | None = None) -> subprocess.CompletedProcess[str]:
        """The command, called in the folder, with programs of the sender's choice on the path."""
        bin_folder = self.folder.parent / "bin"
        environment = {**os.environ, "PATH": f"{bin_folder}:{Path(sys.executable).parent}:{os.environ['PATH']}",
                       "OMP_NUM_THREADS": "1"}
        if watch is not None:
            environment |= {"PYTHONPATH": str(HERE / "watch"), "WATCH_LOG": str(watch),
                            "WATCH_FOLDER": str(self.folder)}
        return subprocess.run(["unbraid", *arguments], cwd=self.folder, env=environment, capture_output=True,
                              text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> Received:
    """A study of one run, trained elsewhere, among everything that a sender could think of."""
    place = tmp_path_factory.mktemp("received")
    made = Received(place / "folder", place / "marks")
    made.folder.mkdir()
    recipe = made.folder / "small.yaml"
    shutil.copy(HERE / "small.yaml", recipe)
    study = Study(made.folder / "st")
    plan = study.begin(Plan.of([str(recipe)], ["seed=0"]))
    run = study.run(plan.points[0])
    unbraid.train(load_recipe(recipe, ["train.steps=1"]), run.folder)      # one step is left
    run.recipe_file.write_text(dump_recipe(plan.recipe(plan.points[0])))
    options = '"--images=20", "--metrics=reconstruction_error,retrieval_map"'
    (made.folder / "st/study.yaml").write_text(study_text(recipe, options))
    run.pictures.mkdir(exist_ok=True)
    Image.new("RGB", (8, 8)).save(run.pictures / "odd.png", format="EPS")
    for name in ("numpy", "torch", "PIL", "json", "helper", "sitecustomize"):
        (made.folder / f"{name}.py").write_text(made.mark(f"import-{name}"))
    (made.folder / "evilp.py").write_text(made.mark("entry-point"))
    information = made.folder / "evil-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[unbraid]\nevilp = evilp\n")
    (made.folder / "matplotlibrc").write_text("text.usetex: True\ntext.latex.preamble: \\input{evil}\n")
    lay_out_git(made)
    (place / "bin").mkdir()
    for name in PROGRAMS:
        program(place / "bin" / name, made, f"program-{name}")
    return made


def study_text(recipe: Path, options: str, arguments: str = '"seed=0"') -> str:
    return f'format: 1\nrecipe: ["{recipe}"]\narguments: [{arguments}]\nevaluate: [{options}]\n'


def program(path: Path, received: Received, name: str) -> None:
    path.write_text(f"#!/bin/sh\necho {name} >> '{received.marker}'\nexit 1\n")
    path.chmod(0o755)


def lay_out_git(received: Received) -> None:
    """A repository whose configuration names programs; git would run them for its status."""
    folder = received.folder
    program(folder / "hook.sh", received, "git-hook")
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    (folder / ".gitattributes").write_text("*.txt filter=m\n")
    (folder / "a.txt").write_text("a\n")
    subprocess.run([*git, "add", "a.txt", ".gitattributes"], check=True)
    subprocess.run([*git, "commit", "-qm", "a"], check=True)
    (folder / "a.txt").write_text("b\n")
    for key, value in (("core.fsmonitor", "./hook.sh"), ("filter.m.clean", "./hook.sh")):
        subprocess.run([*git, "config", key, value], check=True)


def test_a_study_is_gone_on_with_and_nothing_of_the_folder_runs(received: Received, tmp_path: Path) -> None:
    """Training, evaluation, reports, plots, in children of a sweep: no code, program or setting of the sender's."""
    done = received.unbraid("sweep", "--resume", "--out", "st", watch=tmp_path / "log")
    assert done.returncode == 0, done.stdout + done.stderr
    assert received.marks == []
    seen = [line.split("\t", 1) for line in (tmp_path / "log").read_text().splitlines()]
    started = [literal_eval(what) for event, what in seen if event == "subprocess.Popen"]
    sources = [s for s in started if s[:2] == ["git", "-C"] and not received.folder.is_relative_to(s[2])]
    children = [s for s in started if s[1:4] == ["-P", "-m", "unbraid_plugins.tools.studies.child_process"]]
    assert len(children) == 1
    assert [s for s in started if s not in [*sources, *children, ["uname", "-p"]]] == []     # Python's platform asks
    reading = ("open", "os.listdir", "os.scandir")
    assert {event for event, _ in seen} <= {"subprocess.Popen", *reading}
    opened = {literal_eval(what).split(os.sep)[0] for event, what in seen if event in reading}
    assert opened <= {"st", "small.yaml", ".git"}
    run = received.folder / "st/runs/seed=0"
    assert (run / "report.html").exists()
    assert "The picture odd.png can't be read" in unescape((run / "report.html").read_text())
    last = unbraid_record(run)["sessions"][-1]
    head = subprocess.run(["git", "-C", str(received.folder), "rev-parse", "HEAD"], capture_output=True, text=True,
                          check=True).stdout.strip()
    assert last["git"] == {"commit": head}


def unbraid_record(run: Path) -> dict[str, Any]:
    return json.loads((run / "run.json").read_text())


@pytest.mark.parametrize(("text", "told"), [
    (study_text(Path("small.yaml"), '"--plugin", "helper.py"'), "No such option '--plugin'"),
    (study_text(Path("small.yaml"), '"--comparison=x.html"'), "No such option '--comparison'"),
    (study_text(Path("small.yaml"), '"elsewhere"'), "unexpected extra argument"),
    (study_text(Path("small.yaml"), '"--images", "many"'), "'many' is not a valid integer"),
    (study_text(Path("--plugin=helper.py"), ""), "--plugin=helper.py"),
    (study_text(Path("small.yaml"), "", '"--plugin=helper.py", "seed=0"'), "unknown key '--plugin'"),
    (study_text(Path("small.yaml"), "", '"--plugin=helper.py,other.py", "seed=0"'), "--plugin"),
], ids=["plugin", "comparison", "run", "type", "recipe", "override", "axis"])
def test_no_text_of_a_study_becomes_an_option(received: Received, tmp_path: Path, monkeypatch, unbraid, text, told):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/study.yaml").write_text(text)
    monkeypatch.chdir(received.folder)
    said = unbraid("sweep", "--resume", "--out", tmp_path / "bad")
    assert said.code == 2
    assert told in said.err
    assert received.marks == []
