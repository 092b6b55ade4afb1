"""edit, sample, traverse, evaluate: pictures and numbers of a trained model."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_autoencoder import tiny_autoencoder

from unbraid.engine import train


@pytest.mark.parametrize(("action", "more", "columns", "rows"), [
    ("reconstruct", [], 2, 2), ("swap", [], 5, 1), ("swap", ["--factor", "chunk2"], 4, 1),
    ("mix", ["--steps", "3"], 5, 1), ("interpolate", ["--steps", "4"], 4, 1),
    ("interpolate", ["--steps", "3", "--factor", "chunk1", "--factor", "chunk2"], 3, 2),
])
def test_edit_writes_a_grid(unbraid, trained: Path, pictures, tmp_path: Path, action: str, more: list[str],
                            columns: int, rows: int) -> None:
    said = unbraid("edit", trained, action, *pictures, *more, "--out", "grid.png")
    assert said.code == 0, said.err
    assert said.out.startswith("wrote grid.png\n")
    assert Image.open(tmp_path / "grid.png").size == (columns * 66 + 2, rows * 66 + 2)       # 16 x 16, four times


def test_the_same_picture_twice(unbraid, trained: Path, pictures, tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        unbraid("edit", trained, "mix", *pictures, "--seed", "3", "--out", name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_an_unknown_factor_is_refused_with_the_nearest(unbraid, trained: Path, pictures) -> None:
    said = unbraid("edit", trained, "swap", *pictures, "--factor", "chnk1")
    assert said.code == 2
    assert "did you mean 'chunk1'?" in said.err


def test_a_picture_that_is_none(unbraid, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "A.png").write_text("not a picture")
    assert "can't read the image A.png" in unbraid("edit", trained, "reconstruct", "A.png").err
    assert "no image at B.png" in unbraid("edit", trained, "reconstruct", "B.png").err


def test_a_function_that_is_missing_is_named_with_what_to_write(unbraid, pictures, tmp_path: Path) -> None:
    run = train(tiny_autoencoder("train.steps=1", 'functions={"encode(x)": "encoder(x)"}'), tmp_path / "run")
    said = unbraid("edit", run.folder, "reconstruct", pictures[0])
    assert said.code == 2
    assert "the model has no function 'decode'; it has encode\n" in said.err
    assert "the recipe declares functions: decode(f): ..." in said.err


def test_traverse_shows_the_numbers_of_a_factor(unbraid, trained: Path, pictures, tmp_path: Path) -> None:
    said = unbraid("traverse", trained, pictures[0], "--factor", "chunk2", "--steps", "3")
    assert "rows: dimensions 4 to 7 of the code, from -3 to 3" in said.out
    assert Image.open(tmp_path / "traversal.png").size == (3 * 66 + 2, 4 * 66 + 2)


def test_sample_tells_why_there_is_no_prior(unbraid, trained: Path) -> None:
    said = unbraid("sample", trained)
    assert said.code == 2
    assert "no distribution" in said.err


def test_sample_from_a_variational_code(unbraid, tmp_path: Path) -> None:
    recipe = tmp_path / "vae.yaml"
    recipe.write_text("""\
data: {source: {type: sprites, size: 16, count: 40}, draw: {x: {}}, batch: 4}
code: {z: 3}
networks: {encoder: {type: conv_encoder, width: 4, gaussian: true}, generator: {type: conv_generator, width: 4}}
flow:
  q: encoder(x)
  z: sample(q)
  y: generator(z)
players:
  vae:
    trains: [encoder, generator]
    minimizes:
      rebuild: bernoulli(y, x)
      prior:   kl(q)
functions:
  encode(x): q
  decode(z): y
train: {steps: 1, tensorboard: false, device: cpu}
""")
    assert unbraid("train", recipe, "--out", "run").code == 0
    assert unbraid("sample", "run", "--n", "6", "--out", "new.png").out == "wrote new.png\n"
    assert Image.open(tmp_path / "new.png").size == (3 * 66 + 2, 2 * 66 + 2)


def test_evaluate_prints_a_table_and_writes_into_the_runs(unbraid, trained: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        shutil.copytree(trained, tmp_path / name)
    said = unbraid("evaluate", "first", "second", "--images", "20")
    assert said.code == 0, said.err
    assert "first" in said.out
    assert "second" in said.out
    assert "untrained" in said.out
    for name in ("first", "second"):
        assert "arms" in json.loads((tmp_path / name / "evaluation.json").read_text())
        assert f"wrote {name}/evaluation.json" in said.out
        assert f"wrote {name}/report.html" in said.out
        assert "A tiny mixing" in (tmp_path / name / "report.html").read_text()
    assert "wrote comparison.html" in said.out


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_weights_that_make_no_finite_codes_are_refused(unbraid, trained: Path, tmp_path: Path, value: float) -> None:
    shutil.copytree(trained, tmp_path / "run")
    file = next((tmp_path / "run" / "checkpoints").glob("*/networks.safetensors"))
    weights = load_file(file)
    name = next(n for n, w in weights.items() if n.startswith("encoder/") and w.ndim > 1)
    save_file({**weights, name: weights[name].fill_(value)}, file)
    said = unbraid("evaluate", "run", "--images", "8")
    assert said.code == 2
    assert "the codes of the model are not finite" in said.err
    assert not (tmp_path / "run" / "evaluation.json").exists()


def test_demo_says_when_time_cut_it_short_and_gives_no_arm_more(unbraid, tmp_path: Path,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unbraid_plugins.tools.demo.command.MINUTES", 0.0)
    said = unbraid("demo", "--images", "20", "--out", "demo")
    assert said.code == 0, said.err
    reached = [json.loads((tmp_path / "demo" / arm / "run.json").read_text())["sessions"][-1]["to_step"]
               for arm in ("mixing", "without-mixing")]
    assert reached[1] <= reached[0] < 100
    assert f"the training ended after {reached[1]} of 1500 steps" in said.out
    assert "unbraid demo --steps 1500" in said.out


def test_demo_trains_its_arms_and_tells_what_to_do_next(unbraid, tmp_path: Path) -> None:
    said = unbraid("demo", "--steps", "1", "--images", "20", "--out", "demo")
    assert said.code == 0, said.err
    assert "without mixing" in said.out
    assert "untrained" in said.out
    assert "Next:  unbraid view" in said.out
    assert "too slow" not in said.out
    for path in ("mixing/run.json", "without-mixing/run.json", "pictures/swaps.png", "mixing/evaluation.json", "A.png"):
        assert (tmp_path / "demo" / path).is_file()
    assert "is not empty" in unbraid("demo", "--out", "demo").err
