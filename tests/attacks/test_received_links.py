"""Links, pipes and devices in a received folder: nothing outside of it is written, emptied, removed or read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from small_runs import recipe

import unbraid as library
from unbraid.runs import Run, checkpoint
from unbraid_plugins.tools.studies import Plan, Study

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library.train(recipe("train.steps=8"), tmp_path_factory.mktemp("links") / "run").folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A run that was received."""
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run/pictures").mkdir(exist_ok=True)
    return tmp_path / "run"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of the receiver's, with a file."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "precious").write_text("precious")
    return folder


def listing(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and not p.is_symlink()}


def link(where: Path, to: Path) -> None:
    shutil.rmtree(where) if where.is_dir() else where.unlink(missing_ok=True)
    where.parent.mkdir(parents=True, exist_ok=True)
    where.symlink_to(to)


RESUME = ("train", "--resume", "--yes", "--out", "run", "train.steps=9")
EVALUATE = ("evaluate", "--metrics", "reconstruction_error", "--images", "10", "run")


NAMES = ("checkpoints", "pictures", "tensorboard", ".lock", "traceback.txt", "recipe.yaml", "pictures/look.png",
         "pictures/.swaps.png", "checkpoints/.writing-00000009")
COMMANDS = (RESUME, ("edit", "run", "reconstruct", "a.png"), ("sample", "run"), ("traverse", "run", "a.png"),
            ("probe", "run"), ("compare", "run"), ("export", "run", "encode", "--to", "x.onnx"))


@pytest.mark.parametrize(("name", "command"), [*((name, EVALUATE) for name in NAMES),
                                               *(("checkpoints", command) for command in COMMANDS)],
                         ids=[*NAMES, *(command[0] for command in COMMANDS)])
def test_a_link_that_leaves_a_run_is_refused_in_one_line(unbraid: Command, run: Path, elsewhere: Path, name: str,
                                                         command: tuple[str, ...]) -> None:
    folders = ("checkpoints", "pictures", "tensorboard")
    link(run / name, elsewhere if name in folders else elsewhere / "precious")
    before = listing(run.parent)
    said = unbraid(*command)
    assert said.code == 2
    assert said.err.count("Error:") <= 1
    assert f"run/{name} is a link that leaves the folder" in " ".join(said.err.split())
    assert listing(run.parent) == before


def test_links_within_a_run_are_fine_and_others_with_follow_links(unbraid: Command, run: Path, tmp_path: Path) -> None:
    shutil.move(run / "checkpoints", run / "kept")
    (run / "checkpoints").symlink_to("kept")
    assert unbraid(*EVALUATE).code == 0
    shutil.move(run / "kept", tmp_path / "big-disk")
    link(run / "checkpoints", tmp_path / "big-disk")
    assert unbraid(*EVALUATE).code == 2
    assert unbraid("--follow-links", *EVALUATE).code == 0
    assert unbraid("train", "--follow-links", *RESUME[1:]).code == 0
    assert 9 in checkpoint.steps(tmp_path / "big-disk")
    assert unbraid(*EVALUATE).code == 2            # asked for again each time


def test_the_environment_follows_links_too(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link(run / "notes", tmp_path)
    with pytest.raises(library.UnbraidError, match="leaves the folder"):
        Run.at(run)
    monkeypatch.setenv("UNBRAID_FOLLOW_LINKS", "1")
    assert Run.at(run).folder == run


def test_a_new_run_is_not_written_through_links_that_wait_for_it(unbraid: Command, tmp_path: Path, elsewhere: Path
                                                                  ) -> None:
    (tmp_path / "out").mkdir()
    link(tmp_path / "out/pictures", elsewhere)
    said = unbraid("train", "mixing-sprites", "train.steps=1", "--yes", "--out", "out")
    assert (said.code, "leaves the folder" in said.err) == (2, True)
    assert listing(elsewhere) == {"precious": b"precious"}


@pytest.mark.parametrize("name", ["logs/seed=0.log", "logs", "runs/seed=0", "runs/seed=0/pictures", ".lock"])
def test_a_link_that_leaves_a_study_is_refused(unbraid: Command, finished: Path, tmp_path: Path, elsewhere: Path,
                                               name: str) -> None:
    shutil.copy(finished / "recipe.yaml", tmp_path / "small.yaml")
    study = Study(tmp_path / "st")
    study.begin(Plan.of([str(tmp_path / "small.yaml")], ["seed=0"]))
    link(study.folder / name, elsewhere / "precious" if name.endswith(("log", "lock")) else elsewhere)
    for command in ("sweep", "--resume", "--out", "st"), ("sweep", "--only-table", "--out", "st"), ("compare", "st"):
        said = unbraid(*command)
        assert (said.code, "leaves the folder" in said.err) == (2, True), command
    assert listing(elsewhere) == {"precious": b"precious"}


def test_a_lock_is_not_emptied_and_a_log_not_followed(run: Path, elsewhere: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where links may leave a folder."""
    monkeypatch.setenv("UNBRAID_FOLLOW_LINKS", "1")
    link(run / ".lock", elsewhere / "precious")
    with pytest.raises(library.UnbraidError, match="it is a link, not a file"), Run(run).locked():
        pass
    (run / ".lock").unlink()
    link(run / "metrics.jsonl", elsewhere / "precious")
    library.train(recipe("train.steps=9"), run, resume=True)      # the log begins anew, in the run
    assert listing(elsewhere) == {"precious": b"precious"}
    assert Run(run).metrics()


def test_leftovers_and_scratch_names_that_are_links_stop_no_checkpoint(run: Path, elsewhere: Path,
                                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBRAID_FOLLOW_LINKS", "1")
    for name in (".writing-00000009", ".removing-step-00000007", "step-00000009"):
        link(run / "checkpoints" / name, elsewhere)
    library.train(recipe("train.steps=9"), run, resume=True)
    assert listing(elsewhere) == {"precious": b"precious"}
    kept = sorted(p.name for p in (run / "checkpoints").iterdir())
    assert "step-00000009" in kept
    assert not [name for name in kept if name.startswith(".")]
    assert not (run / "checkpoints/step-00000009").is_symlink()


# -- what is no file --------------------------------------------------------------------------------------------------

MADE = {"pipe": os.mkfifo, "device": lambda path: path.symlink_to("/dev/zero")}


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("name", ["run.json", "recipe.yaml", "metrics.jsonl", "evaluation.json", "figure.svg",
                                  "probe.json", "pictures/a.png", "checkpoints/step-00000008/networks.safetensors",
                                  "checkpoints/step-00000008/state.json"])
def test_pipes_and_devices_in_a_run_are_refused_at_once(unbraid: Command, run: Path, kind: str, name: str) -> None:
    (run / name).unlink(missing_ok=True)
    MADE[kind](run / name)
    for follow in ("--traceback", "--follow-links"):       # links to devices are no files even where links are followed
        said = unbraid(follow, "evaluate", "--metrics", "reconstruction_error", "--images", "10", "run")
        if not (follow == "--follow-links" and said.code == 0):
            assert said.code == 2, said.err
            assert "Error:" in said.err or "recipe.yaml" in said.err


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize(("arguments", "name"), [
    (("check", "recipe.yaml"), "recipe.yaml"),
    (("check", "mixing-sprites", "data.source={type: npz, path: x.npz}"), "x.npz"),
    (("check", "mixing-sprites", "data.source={type: idx, path: x-idx3-ubyte}"), "x-idx3-ubyte"),
    (("check", "mixing-sprites", "data.source={type: idx, path: x.gz}"), "x.gz"),
    (("edit", "run", "reconstruct", "x.png"), "x.png"),
    (("render", "x.obj", "--out", "y.png"), "x.obj"),
    (("render", "x.glb", "--out", "y.png"), "x.glb"),
], ids=["recipe", "npz", "idx", "idx.gz", "edit", "obj", "glb"])
def test_pipes_and_devices_that_are_named_are_refused_at_once(unbraid: Command, run: Path, kind: str, name: str,
                                                              arguments: tuple[str, ...]) -> None:
    MADE[kind](run.parent / name)
    said = unbraid(*arguments)
    assert said.code == 2, said.err
    assert f"it is a {kind}, not a file" in said.err


def test_links_out_of_a_folder_of_pictures_are_told(unbraid: Command, elsewhere: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    (photos / "inside").mkdir(parents=True)
    for i in range(12):
        Image.new("RGB", (16, 16), (20 * i, 0, 0)).save(photos / f"inside/{i}.png")
    Image.new("RGB", (16, 16), "blue").save(elsewhere / "private.png")
    (photos / "again").symlink_to("inside")
    recipe_text = '{"type": "folder", "path": "photos", "size": 16}'
    said = unbraid("check", "mixing-sprites", f"data.source={recipe_text}", "data.batch=2")
    assert (said.code, "lead out of this folder" in said.out) == (0, False), said.err
    (photos / "secret").symlink_to(elsewhere)
    (photos / "one.png").symlink_to(elsewhere / "private.png")
    said = unbraid("check", "mixing-sprites", f"data.source={recipe_text}", "data.batch=2")
    told = " ".join(said.out.split())
    assert "links that lead out of this folder are followed: 2" in told
    assert "one.png" in told
