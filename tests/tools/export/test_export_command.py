"""`unbraid export`: what a person types, and what they are told."""

from __future__ import annotations

import importlib.util
import re
from functools import partial
from pathlib import Path

import pytest

from unbraid_plugins.tools.export import formats as faults


@pytest.fixture
def export(unbraid, run: Path):
    """`export("encode", "--to", "encode.pt2")`, in an empty folder."""
    return partial(unbraid, "export", run)


def test_a_program_is_described(export, tmp_path: Path) -> None:
    said = export("swap", "--factor", "chunk1", "--to", "swap.pt2")
    assert said.code == 0, said.err
    wrote, a, b, image, compared = said.out.splitlines()
    assert wrote == "wrote swap.pt2"
    assert [line.split() for line in (a, b, image)] == [
        [*f"{way} {name} float32 batch x 3 x 16 x 16".split()] for way, name in
        (("takes", "a"), ("takes", "b"), ("gives", "image"))]
    least = re.fullmatch(r"  compared with the model on 17 images of the run's data: it differs by at most (\S+), "
                         r"allowed 0\.0001", compared)
    assert least is not None
    assert float(least[1]) < 1e-6
    assert [p.name for p in tmp_path.iterdir()] == ["swap.pt2"]


def test_a_table_is_described(export) -> None:
    said = export("codes", "--to", "shown/", "--split", "train", "--images", "30")
    assert said.code == 0, said.err
    assert said.out.startswith("wrote shown: 30 images (train), 8 numbers (chunk1[0] ... chunk2[3]), factors skin, ")
    assert "tensorboard --logdir shown" in said.out


@pytest.mark.parametrize(("arguments", "words"), [
    (["dekode", "--to", "a.pt2"], ["there is encode, decode, blend, pair, codes", "did you mean 'decode'?"]),
    (["swap", "--to", "a.pt2"], ["which factor", "the code has chunk, chunk1, chunk2"]),
    (["swap", "--factor", "chnk1", "--to", "a.pt2"], ["no factor 'chnk1'", "did you mean 'chunk1'?"]),
    (["encode", "--factor", "chunk1", "--to", "a.pt2"], ["encode takes no factor"]),
    (["encode", "--to", "a.txt"], ["the suffix .txt tells no format", ".onnx, .pt2"]),
    (["encode", "--split", "test", "--to", "a.pt2"], ["--split is not for programs (torch)"]),
    (["codes", "--batch", "4", "--to", "a.npz"], ["--batch is not for codes (npz)"]),
    (["decode", "--to", "a.npz"], ["a table needs a function of one image", "--to NAME.onnx"]),
    (["encode", "--seed", "1", "--to", "a.pt2"], ["draws no noise", "leave out --seed"]),
    (["encode", "--step", "7", "--to", "a.pt2"], ["no checkpoint of step 7"]),
    (["encode"], ["Missing option '--to'"]),
])
def test_mistakes_are_told_with_the_remedy(export, tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    said = export(*arguments)
    assert said.code == 2
    assert all(word in said.err for word in words), said.err
    assert not list(tmp_path.iterdir())


def test_what_is_there_stays(export, tmp_path: Path) -> None:
    (tmp_path / "encode.pt2").write_text("mine")
    said = export("encode", "--to", "encode.pt2")
    assert said.code == 2
    assert "encode.pt2 is there already" in said.err
    assert "--force" in said.err
    assert (tmp_path / "encode.pt2").read_text() == "mine"
    assert export("encode", "--to", "encode.pt2", "--force").code == 0
    assert (tmp_path / "encode.pt2").stat().st_size > 1000


@pytest.mark.parametrize(("to", "package"), [("a.onnx", "onnxruntime"), ("a.parquet", "pyarrow")])
def test_absent_packages_are_named_with_the_pip_line(export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str,
                                                     package: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(faults, "find_spec", lambda name: None if name == package else find(name))
    said = export("codes", "--to", to)
    assert said.code == 2
    assert f"needs {package}, which is not installed" in said.err
    assert "pip install 'unbraid[export]'" in said.err
    assert not list(tmp_path.iterdir())
