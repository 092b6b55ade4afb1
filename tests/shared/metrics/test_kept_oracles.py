"""Oracles that are kept: equal to trained ones, trained anew for anything else, whatever is wrong with the folder."""

from __future__ import annotations

import os
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from unbraid_plugins.shared.metrics import cached_tensors, oracles
from unbraid_plugins.shared.metrics.cache import FILES, cache_folder
from unbraid_plugins.shared.metrics.edits.oracles import Oracles

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 255, (80, 1, 8, 8), dtype=np.uint8)
KIND = {"kind": np.asarray(IMAGES[:, 0, 0, 0] > 127).astype(int), "other": np.arange(80) % 3}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path))
    return tmp_path / "oracles"


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with every training."""
    import sys

    module, calls = sys.modules["unbraid_plugins.shared.metrics.edits.oracles"], list[int]()
    train = module._trained

    def counted(*arguments: object) -> object:
        calls.append(1)
        return train(*arguments)

    monkeypatch.setattr(module, "_trained", counted)
    return calls


def judge(images: np.ndarray = IMAGES, factors: dict[str, np.ndarray] = KIND, **options: int) -> Oracles:
    return oracles(images / np.float32(255), factors, images, factors, **{"steps": 3, **options})


def beliefs(found: Oracles) -> list[np.ndarray]:
    return [*found.believe(IMAGES).values(), found.features(IMAGES)]


def test_kept_ones_are_equal_to_the_last_bit_and_train_no_more(folder: Path, trained: list[int],
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    first, before = judge(), torch.get_rng_state()
    again = judge()
    assert len(trained) == 1
    assert torch.equal(torch.get_rng_state(), before)
    assert all(np.array_equal(a, b) for a, b in zip(beliefs(first), beliefs(again), strict=True))
    assert (first.accuracy, first.chance) == (again.accuracy, again.chance)
    assert len(list(folder.iterdir())) == 1
    monkeypatch.setenv("UNBRAID_CACHE", str(folder.parent / "elsewhere"))
    alone = judge()
    assert len(trained) == 2
    assert all(np.array_equal(a, b) for a, b in zip(beliefs(first), beliefs(alone), strict=True))


def test_the_accuracy_is_measured_on_the_images_at_hand(folder: Path, trained: list[int]) -> None:
    judge()
    wrong = {"kind": 1 - KIND["kind"], "other": KIND["other"]}
    found = oracles(IMAGES / np.float32(255), wrong, IMAGES, KIND, steps=3)
    assert len(trained) == 1
    assert found.accuracy["kind"] == pytest.approx(1 - judge().accuracy["kind"])


def test_another_image_label_name_or_option_trains_another(folder: Path, trained: list[int]) -> None:
    judge()
    pixel, label = IMAGES.copy(), KIND["other"].copy()
    pixel[3, 0, 2, 2] ^= 1
    label[5] = (label[5] + 1) % 3
    judge(pixel)
    judge(factors={**KIND, "other": label})
    judge(factors={"kind": KIND["kind"], "another": KIND["other"]})
    judge(factors=dict(reversed(KIND.items())))                          # their heads begin otherwise
    judge(seed=1)
    judge(steps=2)
    judge(IMAGES.reshape(80, 1, 4, 16))
    assert len(trained) == 8
    assert len(list(folder.iterdir())) == 8


def test_whatever_the_file_is_they_are_trained_anew(folder: Path, trained: list[int]) -> None:
    first = beliefs(judge())
    file = next(folder.iterdir())
    whole, tensors = file.read_bytes(), load_file(file)
    flipped = bytearray(whole)
    flipped[-9] ^= 1
    changed = {name: t + 1 if t.is_floating_point() else t for name, t in tensors.items()}
    save_file(changed, other := folder.parent / "other")
    save_file({"foreign": torch.zeros(1)}, foreign := folder.parent / "foreign")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n, content in enumerate((b"", whole[:100], bytes(flipped), pickle.dumps(os.getcwd), other.read_bytes(),
                                     foreign.read_bytes(), b"\xff" * 4000), 2):
            file.write_bytes(content)
            assert all(np.array_equal(a, b) for a, b in zip(first, beliefs(judge()), strict=True))
            assert len(trained) == n
            assert file.read_bytes() == whole


def test_a_folder_that_takes_nothing_costs_a_warning(folder: Path, trained: list[int]) -> None:
    folder.write_text("a file in its place")
    with pytest.warns(UserWarning, match=r"the oracles can't be kept in .*oracles.*set UNBRAID_CACHE"):
        judge()
    assert len(trained) == 1
    folder.unlink()
    folder.mkdir()
    judge()
    next(folder.iterdir()).unlink()
    (folder / "stray").mkdir()
    judge()                                                              # what else is there does not matter
    judge()
    assert len(trained) == 3


def test_the_oldest_go(folder: Path) -> None:
    like = {"x": torch.zeros(2)}
    for i in range(FILES + 3):
        cached_tensors("oracles", f"{i}", like, lambda i=i: {"x": torch.full((2,), float(i))})
        os.utime(folder / f"{i}.safetensors", (i, i))
        if i == FILES - 1:
            cached_tensors("oracles", "0", like, dict)                   # used: the youngest
    kept = {f.stem for f in folder.iterdir()}
    assert len(kept) == FILES
    assert kept == {"0", *(str(i) for i in range(4, FILES + 3))}
    assert cached_tensors("oracles", "7", like, dict)["x"].tolist() == [7, 7]


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("UNBRAID_CACHE", "~/own")
    assert cache_folder() == tmp_path / "own"
    monkeypatch.setenv("UNBRAID_CACHE", "")
    assert cache_folder() == tmp_path / "xdg" / "unbraid"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / ".cache" / "unbraid"


def test_normalisation_is_settled_however_short_the_training(folder: Path) -> None:
    """One step moves the running means by a tenth; settled ones are those of the images."""
    bright = RNG.uniform(0.6, 0.8, (640, 1, 8, 8)).astype(np.float32)
    kind = {"kind": np.arange(640) % 2}
    oracles(bright, kind, bright, kind, steps=1)
    means = load_file(next(folder.iterdir()))
    images = torch.as_tensor(bright) - 0.5
    seen = nn.functional.conv2d(images, means["trunk.1.weight"], means["trunk.1.bias"], stride=2, padding=1)
    assert torch.allclose(means["trunk.2.running_mean"], seen.mean((0, 2, 3)), atol=2e-3)
