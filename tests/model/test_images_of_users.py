"""Images that users give to a model: the forms that it reads, and those that it refuses in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_autoencoder import tiny_autoencoder

from unbraid import Model, UnbraidError, load, train
from unbraid.model.arrays import ModelError, in_range, numbers

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8), dtype=np.uint8)
RIGHT = torch.from_numpy(PIXELS).float() / 255


@pytest.mark.parametrize("images", [
    PIXELS, PIXELS.astype(int), PIXELS.astype(">u2"), (PIXELS / 255).astype(">f4"),
    torch.from_numpy(PIXELS.astype(int)), PIXELS[:, ::-1][:, ::-1], np.asfortranarray(PIXELS), RIGHT,
])
def test_numbers_of_any_layout_in_memory_are_read(images):
    assert torch.allclose(in_range(numbers(images)), RIGHT, atol=1e-6)


@pytest.mark.parametrize(("images", "message"), [
    (PIXELS.astype("f4"), "images / 255"), (PIXELS / 127.5 - 1, r"images \+ 1"), (PIXELS * np.nan, "not finite"),
    (PIXELS.astype("u2") * 257, "go from 0 to 255"), (PIXELS.astype(int) - 128, "go from 0 to 255"),
    (PIXELS.astype(int) % 2, "go from 0 to 1"), (PIXELS.astype(object), "these are object"),
    (RIGHT * 2 - 1, r"images \+ 1"),
])
def test_other_ranges_are_refused(images, message):
    with pytest.raises(ModelError, match=f"(?s){message}"):
        in_range(numbers(images))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Model:
    recipe = tiny_autoencoder("functions.encode(x)=encoder(x)", "functions.decode(f)=generator(f)")
    return load(train(recipe, tmp_path_factory.mktemp("run") / "r").folder)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(PIXELS[0].transpose(1, 2, 0)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_a_model_takes_every_form_of_an_image(model, photo):
    right = model.encode(PIXELS[:1]).tensor
    channels_last = PIXELS[0].transpose(1, 2, 0)
    picture = Image.fromarray(channels_last)
    for images in (PIXELS[0], channels_last, channels_last[None], picture, [picture], [PIXELS[0]], str(photo), [photo],
                   [channels_last.astype(int)], PIXELS[:1].astype(">u2")):
        assert torch.allclose(model.encode(images).tensor, right, atol=1e-6)
    assert torch.allclose(model.encode([PIXELS[0], picture]).tensor, right.repeat(2, 1), atol=1e-6)


@pytest.mark.parametrize("images", [
    np.zeros((1, 2, 8, 8)), np.zeros(8), [], [PIXELS[0], PIXELS[0, :, :4]], {"a": 1}, 3])
def test_a_model_refuses_what_is_no_image_of_its_own(model, images):
    with pytest.raises(ModelError):
        model.images(images)


def test_an_image_of_another_size_is_told_which_one_it_should_have(model):
    with pytest.raises(ModelError, match=r"images of \(3, 8, 8\) are expected"):
        model.encode(np.zeros((1, 3, 16, 16)))


def test_gradients_that_the_caller_switched_off_do_not_stop_a_training(tmp_path):
    recipe = tiny_autoencoder()
    right = load(train(recipe, tmp_path / "a").folder).modules["encoder"].state_dict()
    with torch.no_grad():
        without = train(recipe, tmp_path / "b")
    with torch.inference_mode():
        inferring = train(recipe, tmp_path / "c")
    for run in (without, inferring):
        found = load(run.folder).modules["encoder"].state_dict()
        assert all(torch.equal(found[name], weight) for name, weight in right.items())


@pytest.mark.parametrize("images", [RIGHT + 0j, RIGHT.to_sparse(), RIGHT.to("meta"), np.ma.masked_array(PIXELS),
                                    torch.quantize_per_tensor(RIGHT, 1 / 255, 0, torch.quint8)])
def test_tensors_that_hold_no_plain_numbers(images):
    with pytest.raises(ModelError, match="images are numbers; these are"):
        numbers(images)


@pytest.mark.parametrize("images", [None, 3, {}, b"abc", {1}, (x for x in PIXELS)])
def test_what_is_no_image_is_refused_in_words(model, images):
    with pytest.raises(ModelError, match="expected images, got"):
        model.encode(images)


def test_codes_of_every_form(model):
    codes = model.encode(PIXELS).tensor
    right = model.decode(codes)
    array = codes.numpy()
    for given in (codes, array.astype(float), array.astype(">f4"), array[::-1][::-1], array.tolist(), codes.double()):
        assert torch.allclose(model.decode(given), right, atol=1e-5)
    assert torch.allclose(model.decode(array[0]), right[:1], atol=1e-5)


@pytest.mark.parametrize("given", [None, [[]], b"x", [["a"]], np.zeros((2, 99)), np.full((2, 4), np.nan), {}])
def test_what_is_no_code_is_refused_in_words(model, given):
    with pytest.raises(ModelError, match="a code is finite numbers of the shape"):
        model.decode(given)


def test_numbers_of_edits(model):
    for edit, told in ((lambda: model.swap(PIXELS[[0, 1, 0]], PIXELS), "3 images can't have factors of 2"),
                       (lambda: model.interpolate(PIXELS[:1], PIXELS[1:], steps=0), "whole number of steps from 1"),
                       (lambda: model.interpolate(PIXELS[:1], PIXELS[1:], steps=1.5), "whole number of steps from 1"),
                       (lambda: model.retrieve(PIXELS, PIXELS, k=9), "k is 1 ... 2, not 9"),
                       (lambda: model.traverse(PIXELS[:1], "0", [0.0]), "not '0'")):
        with pytest.raises(ModelError, match=told):
            edit()


@pytest.mark.parametrize(("run", "device", "message"), [
    ("runs/none", "tpu", "there is no device 'tpu'"), (None, "cpu", "named by its folder, not by None"),
    (3, "cpu", "named by its folder, not by 3")])
def test_runs_and_devices_that_are_none(run, device, message):
    with pytest.raises(UnbraidError, match=message):
        load(run, device=device)
