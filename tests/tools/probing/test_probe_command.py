"""probe: classifiers on the frozen codes of a run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unbraid.cli import main
from unbraid_plugins import tools

DOMAINS = """\
title: Two domains
data:
  sources: {light: {type: sprites, size: 8, count: 80, only: {shirt: red}},
            dark: {type: sprites, size: 8, count: 80, only: {shirt: blue}},
            large: {type: sprites, size: 16, count: 80}}
  draw: {xl: {from: light}, xd: {from: dark}}
  batch: 2
code: {z: 4}
networks:
  inner: {type: mlp_encoder, hidden: [8]}
functions: {encode_light(x): inner(x), encode_dark(x): inner(x)}
players: {all: {trains: inner, minimizes: {near: "mse(inner(xl), inner(xd))"}}}
train: {steps: 1, tensorboard: false}
"""
QUICK = ["--labels", "1", "--draws", "2"]
FEWER_FACTORS = "only: {shirt: red, trousers: jeans, hair_style: short, hair_colour: black}"


@pytest.fixture(scope="module")
def plain(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on images in which skin, pose and facing vary, and nothing else."""
    recipe, out = (tmp_path_factory.mktemp("plain") / name for name in ("plain.yaml", "run"))
    recipe.write_text((trained.parent / "tiny.yaml").read_text().replace("count: 60", f"count: 60, {FEWER_FACTORS}"))
    assert main(["train", str(recipe), "--out", str(out)]) == 0
    return out


@pytest.fixture
def copy(plain: Path, tmp_path: Path) -> Path:
    """The run as one's own."""
    return Path(shutil.copytree(plain, tmp_path / "run"))


def test_a_table_a_picture_and_a_report(unbraid, copy: Path) -> None:
    said = unbraid("probe", copy, "--labels", "1,all", "--draws", "2", "--images", "40")
    assert said.code == 0, said.err
    result = json.loads((copy / "probe.json").read_text())
    assert (result["format"], result["step"], result["labels"]) == (1, 2, [1, "all"])
    assert list(result["representations"]) == ["code", "chunk1", "chunk2", "pixels", "untrained"]
    assert list(result["factors"]) == ["skin", "pose", "facing"]
    assert "| skin " in said.out
    for name in (*result["representations"], "chance", "linear", "nearest"):
        assert f" {name} " in said.out
    for path in ("probe.json", "pictures/probe.png", "report.html"):
        assert f"wrote {copy / path}\n" in said.out
    assert np.asarray(Image.open(copy / "pictures/probe.png").convert("RGB")).std() > 10
    page = (copy / "report.html").read_text()
    assert page.count('id="transfer"') == 1
    assert "judged on 6 test images" in page


def test_json_is_the_only_output_and_python_gives_the_same(unbraid, copy: Path) -> None:
    said = unbraid("probe", copy, *QUICK, "--json", "--no-report")
    assert said.code == 0, said.err
    assert not (copy / "report.html").exists()
    assert json.loads(said.out)[str(copy)] == tools.probe(copy, labels=[1], draws=2)


def test_networks_on_the_same_labels(unbraid, copy: Path) -> None:
    said = unbraid("probe", copy, "--labels", "1,all", "--draws", "1", "--supervised", "--images", "20")
    assert said.code == 0, said.err
    result = json.loads((copy / "probe.json").read_text())
    assert list(result["accuracy"]["network"]) == ["pixels"]
    assert {len(v["mean"]) for v in result["accuracy"]["network"]["pixels"].values()} == {2}
    assert "network" in said.out


def test_between_the_sources_of_a_recipe(unbraid, tmp_path: Path) -> None:
    (tmp_path / "domains.yaml").write_text(DOMAINS)
    assert unbraid("train", "domains.yaml", "--out", "run", "--yes").code == 0
    said = unbraid("probe", "run", *QUICK, "--to", "dark")
    assert said.code == 0, said.err
    assert "fitted on 72 train images of light, judged on 8 test images of dark" in said.out
    assert {"code", "pixels", "untrained"} == set(json.loads(Path("run/probe-light-dark.json").read_text())
                                                  ["representations"])
    assert unbraid("probe", "run", *QUICK).code == 0
    page = Path("run/report.html").read_text()
    assert "judged on 8 test images of dark" in page
    assert "judged on 8 test images of light" in page
    for options, says in ((["--to", "drak"], "did you mean 'dark'"),
                          (["--to", "large"], "'light' are 3 x 8 x 8, of 'large' 3 x 16 x 16")):
        said = unbraid("probe", "run", *options)
        assert said.code == 2
        assert says in said.err


@pytest.mark.parametrize(("options", "says"), [
    (["--labels", "1,some"], "found 'some'"), (["--labels", "0"], "found '0'"), (["--from", "sources"], "no source"),
    (["--draws", "0"], "--draws"), (["--neighbours", "0"], "--neighbours"),
])
def test_what_means_nothing(unbraid, trained: Path, options: list[str], says: str) -> None:
    said = unbraid("probe", trained, *options)
    assert said.code == 2
    assert says in said.err


def test_a_run_without_a_checkpoint(unbraid, copy: Path) -> None:
    shutil.rmtree(copy / "checkpoints")
    said = unbraid("probe", copy)
    assert said.code == 2
    assert "has no checkpoint yet" in said.err


def test_images_without_labels(unbraid, tiny: Path, tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for i in range(20):
        Image.fromarray(dice.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(tmp_path / f"photos/{i}.png")
    assert unbraid("train", tiny, "--data", "photos", "--out", "unlabelled", "--yes").code == 0
    said = unbraid("probe", "unlabelled")
    assert said.code == 2
    assert "nothing to probe: no factor of the source" in said.err
