"""Environment variables stay here: no received recipe or run gets the value of one written or shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_runs import recipe

import unbraid as library
from unbraid_configs import dump_recipe, load_recipe

Command = Callable[..., Any]
SECRET = "s3cr3t-value"


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FAKE_SECRET_TOKEN", "UNBRAID_SECRET", "ALLOWED_SECRET"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("UNBRAID_ENV", "ALLOWED_SECRET")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library.train(recipe("train.steps=8"), tmp_path_factory.mktemp("secrets") / "run").folder


def everywhere(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("variable", ["FAKE_SECRET_TOKEN", "ALLOWED_SECRET"])
@pytest.mark.parametrize("override", [
    "title=x ${{{}}} y", "paper=${{{}:-a}}", "data.source={{type: folder, path: '/nowhere/${{{}}}'}}",
    "data.source.count=${{{}}}", "networks.encoder.from=/nowhere/${{{}}}#x", "requires={{'${{{}}}': '*'}}",
    "base=${{{}}}.yaml"])
def test_a_recipe_tells_no_value(unbraid: Command, tmp_path: Path, variable: str, override: str) -> None:
    (tmp_path / "received.yaml").write_text(dump_recipe(recipe("train.steps=1")))
    written = override.format(variable)
    if written.startswith("base"):
        (tmp_path / "received.yaml").write_text(f"base: ${{{variable}}}.yaml\n")
        written = "train.steps=1"
    said = unbraid("show", "received.yaml", written)
    assert SECRET not in said.out + said.err
    said = unbraid("train", "received.yaml", written, "--yes", "--out", "run")
    assert SECRET not in said.out + said.err
    assert SECRET.encode() not in everywhere(tmp_path)


def test_a_received_run_tells_no_value(unbraid: Command, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    text = dump_recipe(load_recipe(finished / "recipe.yaml"))
    text = text.replace("data:", 'title: "x ${FAKE_SECRET_TOKEN}"\ndata:', 1)
    (tmp_path / "run/recipe.yaml").write_text(text)
    assert unbraid("evaluate", "--metrics", "reconstruction_error", "--images", "10", "run").code == 0
    assert "x ${FAKE_SECRET_TOKEN}" in json.loads((tmp_path / "run/evaluation.json").read_text())["title"]
    said = [unbraid("edit", "run", "reconstruct", "a.png"), unbraid("show", "run/recipe.yaml"),
            unbraid("train", "--resume", "--yes", "--out", "run", "train.steps=9"), unbraid("compare", "run")]
    assert [s.code for s in said] == [0, 0, 0, 0]
    assert SECRET not in "".join(s.out + s.err for s in said)
    assert SECRET.encode() not in everywhere(tmp_path)


def test_a_run_finds_its_data_where_the_variable_says_and_works_without(unbraid: Command, tmp_path: Path,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / SECRET).mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (60, 3, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / SECRET / "a.npz", images=pixels.transpose(0, 2, 3, 1))
    (tmp_path / "mine.yaml").write_text(dump_recipe(recipe(
        "train.steps=2", "data.source={type: npz, path: '${UNBRAID_SECRET}/a.npz'}")))
    assert unbraid("train", "mine.yaml", "--yes", "--out", "run").code == 0
    assert unbraid("evaluate", "--metrics", "reconstruction_error", "--images", "10", "run").code == 0
    assert "${UNBRAID_SECRET}/a.npz" in (tmp_path / "run/recipe.yaml").read_text()
    assert SECRET.encode() not in everywhere(tmp_path / "run")
    monkeypatch.setenv("UNBRAID_SECRET", "moved")
    said = unbraid("evaluate", "run")
    assert (said.code, "there is nothing at ${UNBRAID_SECRET}/a.npz" in said.err) == (2, True)
    monkeypatch.delenv("UNBRAID_SECRET")
    assert library.load("run").image_shape == (3, 8, 8)
    assert "there is nothing at ${UNBRAID_SECRET}/a.npz" in unbraid("evaluate", "run").err
