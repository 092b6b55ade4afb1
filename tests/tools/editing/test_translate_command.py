"""translate: images of one domain in another."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

RECIPE = """\
data:
  sources: {light: {type: sprites, size: 8, count: 20, only: {shirt: red}},
            dark: {type: sprites, size: 8, count: 20, only: {shirt: blue}}}
  draw: {xl: {from: light}, xd: {from: dark}}
  batch: 2
code: {z: 4}
networks:
  inner: {type: mlp_encoder, hidden: [8]}
  back_light, back_dark: {type: mlp_generator, hidden: [8]}
functions:
  light_to_dark(x): back_dark(inner(x))
  dark_to_light(x): back_light(inner(x))
players:
  all:
    trains: [inner, back_light, back_dark]
    minimizes:
      rebuild: mse(back_light(inner(xl)), xl) + mse(back_dark(inner(xd)), xd)
train: {steps: 2, tensorboard: false, picture_every: 2}
"""


@pytest.fixture
def translator(unbraid, tmp_path: Path) -> Path:
    (tmp_path / "translator.yaml").write_text(RECIPE)
    said = unbraid("train", "translator.yaml", "--out", "translator", "--yes")
    assert said.code == 0, said.err
    return tmp_path / "translator"


def test_there_and_back(unbraid, translator: Path, pictures, tmp_path: Path) -> None:
    said = unbraid("translate", translator, *pictures, "--from", "light", "--to", "dark")
    assert said.code == 0, said.err
    assert "row 2: translated to dark" in said.out
    assert Image.open(tmp_path / "translate.png").size[0] < Image.open(tmp_path / "translate.png").size[1]
    one = unbraid("translate", translator, pictures[0], "--to", "light", "--out", "one.png")
    assert "row 1: the images (dark)" in one.out
    other = unbraid("translate", translator, pictures[0], "--to", "dark", "--out", "other.png")
    assert other.code == 0
    assert not np.array_equal(Image.open(tmp_path / "one.png"), Image.open(tmp_path / "other.png"))


@pytest.mark.parametrize(("options", "says"), [
    ([], "possible: --from light --to dark, --from dark --to light"),
    (["--from", "light", "--to", "drak"], "does not translate so: --from light --to drak"),
    (["--from", "dim"], "does not translate so: --from dim"),
])
def test_a_direction_that_is_not_there(unbraid, translator: Path, pictures, options: list[str], says: str) -> None:
    said = unbraid("translate", translator, pictures[0], *options)
    assert said.code == 2
    assert says in said.err


def test_a_model_without_domains(unbraid, trained: Path, pictures) -> None:
    said = unbraid("translate", trained, pictures[0])
    assert said.code == 2
    assert "a_to_b(x)" in said.err


def test_training_shows_translations(translator: Path) -> None:
    assert {p.name for p in (translator / "pictures").glob("*.png")} >= {
        "light_to_dark-00000002.png", "dark_to_light-00000002.png"}
