"""call: any function of a recipe, on files of images and clips, and on numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unbraid import Set, load
from unbraid.model import ModelError


def frames_of(path: Path) -> np.ndarray:
    """The frames of a film, (T, H, W, 3)."""
    with Image.open(path) as film:
        return np.stack([(film.seek(i), np.asarray(film.convert("RGB")))[1] for i in range(film.n_frames)])


def test_a_clip_becomes_a_film(unbraid, drnet: Path, clip: Path, tmp_path: Path) -> None:
    said = unbraid("call", drnet, "predict", clip, "--out", "next.apng", "--scale", "1")
    assert said.code == 0, said.err
    assert said.out == "wrote next.apng\n"
    made = frames_of(tmp_path / "next.apng")
    assert made.shape == (3, 16, 16, 3)
    model = load(drnet)
    frames = model.images([tmp_path / f"frames/frame{i}.png" for i in range(8)])
    expected = model.predict(frames).unfolded()[0]                    # an array of frames is a clip
    torch.testing.assert_close(torch.from_numpy(made).permute(0, 3, 1, 2) / 255, expected, atol=0.003, rtol=0)


def test_clips_of_other_shapes_are_refused(drnet: Path) -> None:
    model = load(drnet)
    clips = torch.rand(2, 4, 3, 16, 16)
    whole = model.predict(clips).unfolded()
    assert whole.shape == (2, 3, 3, 16, 16)
    torch.testing.assert_close(model.predict((clips * 255).round().byte().numpy()).unfolded(), whole, atol=0.01, rtol=0)
    torch.testing.assert_close(model.predict(clips[1]).unfolded(), whole[1:])
    torch.testing.assert_close(model.predict(Set.fold(clips)).unfolded(), whole)
    with pytest.raises(ModelError, match=r"expected clips \(B, T, C, H, W\), got \(3, 16, 16\)"):
        model.predict(clips[0, 0])


def test_a_folder_of_frames_and_an_animation_are_the_same_clip(unbraid, drnet: Path, clip: Path, tmp_path) -> None:
    for given, out in ((clip, "one"), (tmp_path / "frames", "other")):
        said = unbraid("call", drnet, "predict", given, "--frames", "4", "--out", out)
        assert said.code == 0, said.err
        assert sorted(p.name for p in (tmp_path / out).iterdir()) == ["00.png", "01.png", "02.png"]
    one, other = (np.stack([Image.open(tmp_path / folder / f"0{i}.png") for i in range(3)]).astype(int)
                  for folder in ("one", "other"))
    assert np.abs(one - other).max() <= 1
    whole = unbraid("call", drnet, "predict", clip, "--out", "whole")
    assert whole.code == 0
    assert np.abs(one[0] - np.asarray(Image.open(tmp_path / "whole/00.png")).astype(int)).max() > 1   # of all 8 frames


def test_images_become_a_picture(unbraid, drnet: Path, clip: Path, tmp_path: Path) -> None:
    said = unbraid("call", drnet, "analogy", "a.png", "b.png", "--scale", "1")
    assert said.code == 0, said.err
    assert said.out == "wrote analogy.png\n"
    model = load(drnet)
    made = np.asarray(Image.open(tmp_path / "analogy.png"))[2:18, 2:18]
    expected = model.analogy(str(tmp_path / "a.png"), str(tmp_path / "b.png"))[0]
    assert np.abs(made / 255 - expected.permute(1, 2, 0).numpy()).max() < 0.003


def test_codes_become_numbers(unbraid, drnet: Path, clip: Path, tmp_path: Path) -> None:
    said = unbraid("call", drnet, "encode", "a.png")
    code = json.loads(said.out)
    assert {name: len(numbers) for name, numbers in code.items()} == {"content": 6, "pose": 4}
    told = unbraid("call", drnet, "encode", "a.png", "--out", "code.json")
    assert told.out == "wrote code.json\n"
    assert json.loads((tmp_path / "code.json").read_text()) == code
    both = json.loads(unbraid("call", drnet, "both", "a.png").out)
    assert both == [{"pose": code["pose"]}, {"content": code["content"]}]
    numbers = ",".join(map(str, code["pose"]))                        # they may begin with a minus
    assert unbraid("call", drnet, "posed", "b.png", numbers, "--out", "posed.png").code == 0
    assert unbraid("call", drnet, "analogy", "b.png", "a.png", "--out", "analogy.png").code == 0
    posed, analogy = (np.asarray(Image.open(tmp_path / f"{n}.png")).astype(int) for n in ("posed", "analogy"))
    assert np.abs(posed - analogy).max() <= 1


@pytest.mark.parametrize(("arguments", "says"), [
    (["pedict", "clip.png"], "the model has no function 'pedict'"),
    (["analogy", "a.png"], "analogy(x: image, y: image) takes 2 arguments, found 1"),
    (["analogy", "a.png", "gone.png"], "no image at gone.png"),
    (["predict", "gone.gif"], "no clip at gone.gif"),
    (["predict", "broken.gif"], "can't read the clip broken.gif"),
    (["predict", "."], "there are no pictures in ."),
    (["encode", "a.png", "--frames", "3"], "encode(x: image) takes no clip"),
    (["decode", "0.1,2"], "f of decode(f: code) has 10 numbers; found 2"),
    (["decode", "a.png"], "f of decode(f: code) is given as numbers, 0.3,-1; found 'a.png'"),
    (["analogy", "a.png", "b.png", "--out", "x.txt"], "can't write x.txt"),
    (["predict", "clip.png", "--out", "x.wav"], "can't write x.wav"),
    (["predict", "clip.png", "--speed", "3"], "No such option: --speed"),
])
def test_wrong_calls_are_explained(unbraid, drnet: Path, clip: Path, tmp_path: Path, arguments, says) -> None:
    (tmp_path / "broken.gif").write_bytes(b"GIF89a and then nothing")
    if arguments[1] == ".":
        arguments = [arguments[0], "empty"]
        (tmp_path / "empty").mkdir()
        says = "there are no pictures in empty"
    before = sorted(tmp_path.rglob("*"))
    said = unbraid("call", drnet, *arguments)
    assert said.code == 2
    assert says in said.err
    assert sorted(tmp_path.rglob("*")) == before                      # nothing is written


def test_a_training_shows_its_functions(drnet: Path) -> None:
    folder = drnet / "pictures"
    names = {p.name for p in folder.iterdir()}
    assert {"analogy-00000004.png", "predict-00000004.png", "predict-00000004.gif"} <= names
    assert not {n for n in names if n.startswith(("posed", "both"))}  # no images of images
    film = frames_of(folder / "predict-00000004.gif")
    assert film.shape == (3, 2 * 64, 3 * 64, 3)                       # three clips, what is made above the truth
    with Image.open(folder / "analogy-00000004.png") as grid:
        assert grid.size[0] == grid.size[1]
