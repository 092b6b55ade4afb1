"""sample and traverse where the code has priors: chosen factors, and no image."""

from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def run(unbraid) -> str:
    small = ["data.source={type: sprites, size: 8, count: 40}", "data.batch=4", "train.steps=8", "code.z=5 uniform",
             "networks.generator={width: 2, hidden: 8}", "networks.trunk={width: 2, hidden: 8}",
             "players.generator.optimizer.lr=0.1", "train.tensorboard=false"]
    assert unbraid("train", "infogan-mnist", *small, "--out", "infogan").code == 0
    return "infogan"


def test_chosen_samples_and_traversals_from_the_prior(unbraid, run: str, tmp_path: Path) -> None:
    assert unbraid("sample", run, "--set", "c1=3", "--set", "c2=-1", "-n", "4").out == "wrote samples.png\n"
    chosen = (tmp_path / "samples.png").read_bytes()
    unbraid("sample", run, "--set", "c1=4", "--set", "c2=-1", "-n", "4")
    assert (tmp_path / "samples.png").read_bytes() != chosen
    said = unbraid("traverse", run, "--factor", "c1", "--rows", "2", "--out", "t.png")
    assert said.out == "wrote t.png\n  rows: the classes of c1, from 0 to 9\n"
    assert Image.open(tmp_path / "t.png").size == (10 * 66 + 2, 2 * 66 + 2)
    said = unbraid("traverse", run, "--factor", "c2", "--from", "-2", "--to", "2")
    assert "dimensions 15 of the code, from -2 to 2" in said.out
    for words, says in ((("sample", run, "--set", "c1"), "expected FACTOR=NUMBER"),
                        (("sample", run, "--set", "c1=12"), "a class, 0 to 9"),
                        (("sample", run, "--set", "c9=1"), "no factor 'c9'"),
                        (("traverse", run, "A.png", "--rows", "2"), "the image has one code")):
        said = unbraid(*words)
        assert said.code == 2
        assert says in said.err
