"""train: what it says, where it writes, whose images it takes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

SIGNALLED = """\
import os, signal, sys
from unbraid.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)               # which those who start this may ignore
signal.signal(signal.SIGTERM, signal.SIG_DFL)
from unbraid.engine import Training
Training.estimate = lambda self: os.kill(os.getpid(), int(os.environ["NUMBER"]))
sys.exit(main())
"""


def test_says_what_it_will_do_and_where_everything_is(unbraid, tiny: Path, tmp_path: Path) -> None:
    said = unbraid("train", tiny)
    assert said.code == 0
    assert "60 images, 16 x 16 RGB" in said.err
    assert "This takes about" in said.err
    assert "GiB of memory" in said.err
    assert "Everything is in runs/tiny" in said.err
    assert "unbraid evaluate runs/tiny" in said.err
    assert json.loads((tmp_path / "runs/tiny/run.json").read_text())["sessions"][0]["exit"] == "finished"
    assert (tmp_path / "runs/tiny/figure.svg").is_file()
    assert unbraid("train", tiny).err.count("runs/tiny-2") >= 2
    assert "already has a run" in unbraid("train", tiny, "--out", "runs/tiny").err


def test_goes_on_without_naming_the_recipe_again(unbraid, tiny: Path, tmp_path: Path) -> None:
    unbraid("train", tiny, "--out", "run")
    assert "finished already, after step 2" in unbraid("train", "--resume", "--out", "run").err
    said = unbraid("train", "--resume", "--out", "run", "train.steps=3")
    assert said.code == 0
    assert "Going on from step 2 of 3." in said.err
    assert json.loads((tmp_path / "run/run.json").read_text())["sessions"][-1]["to_step"] == 3


def test_trains_on_a_folder_of_ones_own_pictures(unbraid, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for i in range(12):
        Image.new("RGB", (20 + i, 30), (20 * i, 90, 200)).save(tmp_path / f"mine/{i}.jpg")
    said = unbraid("train", tiny, "--data", "mine", "--out", "run")
    assert said.code == 0
    assert "12 images, 16 x 16 RGB" in said.err                # the recipe's size stays
    assert "path: " in (tmp_path / "run/recipe.yaml").read_text()


def test_trains_on_an_npz_file(unbraid, tiny: Path, tmp_path: Path) -> None:
    import numpy as np

    np.savez(tmp_path / "mine.npz", images=np.random.default_rng(0).integers(0, 255, (12, 16, 16, 3), np.uint8))
    assert "12 images" in unbraid("train", tiny, "--data", "mine.npz", "--out", "run").err


def test_the_beginning_of_a_name_is_enough_where_it_is_the_only_one(unbraid) -> None:
    said = unbraid("show", "mixing-sp", "train.steps=5")
    assert said.code == 0
    assert "procedural sprites" in said.out


@pytest.mark.parametrize(("number", "world", "code"), [(signal.SIGINT, None, 130), (signal.SIGTERM, None, 143),
                                                       (signal.SIGTERM, "1", -signal.SIGTERM)])
def test_a_signal_before_the_first_step_leaves_nothing(tiny: Path, tmp_path: Path, number: int, world: str | None,
                                                       code: int) -> None:
    """One process of its own puts its folder away; a rank, which may be waiting for others, ends at once."""
    around = {**os.environ, "NUMBER": str(int(number))} | ({} if world is None else {"WORLD_SIZE": world})
    done = subprocess.run([sys.executable, "-c", SIGNALLED, "train", str(tiny), "--out", "run"], cwd=tmp_path,
                          env=around, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    if world is None:
        assert done.stderr.endswith("\nInterrupted.\n")
        assert not (tmp_path / "run").exists()
