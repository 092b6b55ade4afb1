"""A trial chooses the options that a recipe leaves open, changes nothing else, and is made once on a machine."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import assert_equal, recipe, tensors

import unbraid
from unbraid.engine import Training, train
from unbraid.engine.resume import ChangedError
from unbraid.runs import Run
from unbraid_configs.writing import differences, open_options, with_fastest

CONV = {"encoder": {"type": "conv_encoder", "width": 2, "norm": "batch"},
        "generator": {"type": "conv_generator", "width": 2}, "critic": {"type": "conv_critic", "width": 2}}


@pytest.fixture(autouse=True)
def always_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_options, "SHORTEST", 1)
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "cache"))


def timed(monkeypatch: pytest.MonkeyPatch, *seconds: float) -> list[int]:
    """Let trials measure these seconds, and count them."""
    trials: list[int] = []

    def raced(plays: Any, clock: Any) -> list[float]:
        trials.append(len(plays))
        return list(seconds[:len(plays)])

    monkeypatch.setattr(open_options, "_raced", raced)
    return trials


def channels_last(run: Any) -> bool | None:
    return unbraid.load_recipe(run.recipe_file).train.channels_last


def test_a_trial_leaves_the_training_bit_for_bit_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_options, "GAIN", 0.0)  # it plays, and whatever it measures stays off
    averaged, off = "train.average=0.9", ("train.channels_last=false", "train.compile=false")
    torch.manual_seed(3)
    tried, after = train(recipe(averaged, networks=CONV), tmp_path / "tried"), torch.rand(2)
    torch.manual_seed(3)
    fixed = train(recipe(averaged, *off, networks=CONV), tmp_path / "fixed")
    assert_equal(tensors(tried), tensors(fixed))
    assert torch.equal(after, torch.rand(2))
    assert tried.metrics() == fixed.metrics()
    assert "chosen by a trial: train.channels_last=false" in tried.record()["chosen"]


def test_a_choice_gives_the_numbers_that_the_option_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch, 1.0, 0.5)
    chosen = train(recipe("train.average=0.9", networks=CONV), tmp_path / "chosen")
    fixed = train(recipe("train.average=0.9", "train.channels_last=true", networks=CONV), tmp_path / "fixed")
    assert channels_last(chosen) is True
    assert_equal(tensors(chosen), tensors(fixed))


def test_averages_have_the_chosen_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch, 1.0, 0.5)
    training = Training.start(recipe("train.average=0.9", networks=CONV), Run(tmp_path / "run"), torch.device("cpu"))
    assert "train.channels_last=true" in training.choose()
    kernels = [p for net in training.ema.values() for p in net.parameters() if p.ndim == 4]
    training.close()
    assert kernels
    assert all(k.is_contiguous(memory_format=torch.channels_last) for k in kernels)


def test_all_seeds_of_a_recipe_and_all_lengths_choose_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = timed(monkeypatch, 1.0, 0.9)
    assert channels_last(train(recipe(networks=CONV), tmp_path / "first")) is True
    timed(monkeypatch, 1.0, 2.0)                  # another hour, another neighbour
    assert channels_last(train(recipe("train.seed=4", "train.steps=3", networks=CONV), tmp_path / "second")) is True
    assert channels_last(train(recipe("data.batch=3", "train.steps=3", networks=CONV), tmp_path / "other")) is False
    assert trials == [2]
    monkeypatch.setattr(open_options, "SHORTEST", 1000)
    assert channels_last(train(recipe("train.steps=3", networks=CONV), tmp_path / "short")) is True, "tried before"
    assert channels_last(train(recipe("data.batch=2", "train.steps=3", networks=CONV), tmp_path / "untried")) is None


def test_trainings_that_begin_at_once_choose_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch, 1.0, 0.9)
    assert channels_last(train(recipe(networks=CONV), tmp_path / "first")) is True
    file, = (tmp_path / "cache/trials").iterdir()
    first = file.read_text()
    file.unlink()

    def raced(plays: Any, clock: Any) -> list[float]:
        file.write_text(first)                     # another process was faster
        return [1.0, 2.0]

    monkeypatch.setattr(open_options, "_raced", raced)
    assert channels_last(train(recipe("train.seed=1", networks=CONV), tmp_path / "second")) is True


def test_a_resumed_run_keeps_its_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch, 1.0, 0.9)
    whole = train(recipe(networks=CONV), tmp_path / "whole")
    train(recipe("train.steps=11", networks=CONV), tmp_path / "cut")
    for file in (tmp_path / "cache/trials").iterdir():
        file.write_text(json.dumps({"step": 1.0, "channels_last": 2.0}))
    cut = train(recipe(networks=CONV), tmp_path / "cut", resume=True)
    assert_equal(tensors(whole), tensors(cut))
    assert not differences(recipe(networks=CONV), unbraid.load_recipe(cut.recipe_file)), "a study finds its run"
    with pytest.raises(ChangedError, match="channels_last: true -> false"):
        train(recipe("train.channels_last=false", networks=CONV), tmp_path / "cut", resume=True)


def test_compiling_is_tried_for_long_trainings_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = timed(monkeypatch, 1.0, 0.99)
    train(recipe("train.steps=3", networks=CONV), tmp_path / "short")
    assert trials == [2]
    monkeypatch.setitem(open_options.LEAST, "compile", 2)
    run = train(recipe("train.steps=3", networks=CONV), tmp_path / "long")
    assert trials == [2, 2]
    assert "train.compile=false (with it a step takes 0.99 times as long)" in run.record()["chosen"]
    assert trials == [2, 2]
    train(recipe("train.steps=3", "train.channels_last=false", networks=CONV), tmp_path / "fixed")
    assert trials == [2, 2, 1, 2], "how long a step takes, and then whether compiled networks are faster"


def test_without_a_place_for_its_time_nothing_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                         capsys: pytest.CaptureFixture[str]) -> None:
    timed(monkeypatch, 1.0, 0.5)
    (tmp_path / "cache").write_text("no folder")
    run = train(recipe("train.steps=2", networks=CONV), tmp_path / "run", show=True)
    assert channels_last(run) is None
    assert "train.channels_last stays off: the time of a trial can't be kept" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", '{"step": "x"}', '{"step": -1}', '{"step": null}', "\x00"])
def test_a_damaged_file_of_times_is_made_anew(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials, asked = timed(monkeypatch, 1.0, 0.5), recipe(networks=CONV)
    for expected in ([2], [2], [2, 2]):
        for file in (tmp_path / "cache").glob("trials/*") if expected == [2, 2] else ():
            file.write_text(text)
        found, _ = with_fastest(asked, lambda _: int, time.perf_counter, [], str)
        assert found.train.channels_last is True
        assert trials == expected
