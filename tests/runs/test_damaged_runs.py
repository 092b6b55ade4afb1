"""Runs and checkpoints that are damaged, foreign or left in part: one clear error, and what is whole stays whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import assert_equal, recipe, tensors

import unbraid
from unbraid.engine import train
from unbraid.runs import RunError, checkpoint
from unbraid_plugins.tools.studies import train_seeds
from unbraid_registry import UnbraidError


def test_a_damaged_checkpoint_is_one_clear_error(tmp_path: Path) -> None:
    run = train(recipe("train.steps=2"), tmp_path / "run")
    file = run.last_checkpoint() / "networks.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(checkpoint.CheckpointError, match="damaged"):
        unbraid.load(run.folder)
    with pytest.raises(checkpoint.CheckpointError, match="damaged"):
        train(recipe(), run.folder, resume=True)


@pytest.mark.parametrize("state", ["[]", "{}", "nonsense", '{"format": 99, "step": 1, "groups": []}',
                                   '{"format": 1, "step": 1, "groups": ["../../etc/passwd"]}'])
def test_a_foreign_checkpoint_is_one_clear_error(tmp_path: Path, state: str) -> None:
    run = train(recipe("train.steps=2"), tmp_path / "run")
    (run.last_checkpoint() / "state.json").write_text(state)
    with pytest.raises(checkpoint.CheckpointError):
        unbraid.load(run.folder)


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    run = train(recipe("train.steps=2"), tmp_path / "run")
    run.recipe_file.write_text(run.recipe_file.read_text().replace("hidden: [8]", "hidden: [9]"))
    with pytest.raises(UnbraidError, match=r"don't fit: .* expected"):
        unbraid.load(run.folder)


def test_a_full_disk_leaves_the_last_checkpoint_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(recipe("train.steps=7"), tmp_path / "run")
    before = tensors(run)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(checkpoint.CheckpointError, match="No space left"):
        train(recipe("train.steps=14"), run.folder, resume=True)
    assert_equal(before, tensors(run))
    assert not list(run.checkpoints.glob(".writing-*"))


def test_a_write_that_dies_before_its_end_leaves_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(recipe("train.steps=3"), tmp_path / "run")

    def killed(*_: Any) -> None:
        raise SystemExit("killed")

    written = checkpoint.Checkpoint(9, {"networks": {"a": torch.ones(3)}})
    with monkeypatch.context() as dying:
        dying.setattr(checkpoint.os, "replace", killed)
        with pytest.raises(SystemExit):
            checkpoint.write(run.checkpoints, written)
    assert list(checkpoint.steps(run.checkpoints)) == [3]
    train(recipe("train.steps=6"), run.folder, resume=True)
    assert not list(run.checkpoints.glob(".writing-*")), "what was left is cleaned up"


def wrong_states(state: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"another step": {**state, "step": 3}, "a step before the first": {**state, "step": -7},
            "a truth for a step": {**state, "step": True}, "a group that is missing": {**state, "groups": ["networks"]},
            "a best that is a word": {**state, "facts": {"best": {"autoencoder/cycle": "z"}}},
            "a best that is none": {**state, "facts": {"best": 3}}}


@pytest.mark.parametrize("fault", wrong_states({}))
def test_a_state_that_contradicts_its_folder_is_damaged(fault: str, tmp_path: Path) -> None:
    run = train(recipe("train.steps=2"), tmp_path / "run")
    path = run.checkpoints / "step-00000002" / "state.json"
    path.write_text(json.dumps(wrong_states(json.loads(path.read_text()))[fault]))
    for act in (lambda: unbraid.load(run.folder), lambda: train(recipe("train.steps=4"), run.folder, resume=True)):
        with pytest.raises(checkpoint.CheckpointError, match=r"state\.json"):
            act()
    assert not (run.folder / "traceback.txt").exists()


@pytest.mark.parametrize("record", [{"sessions": 5}, {"sessions": [3]}, {"sessions": [{"versions": 4}]}, {"best": 3},
                                    {"best": {"autoencoder/cycle": "z"}}], ids=str)
def test_a_record_of_other_things_is_damaged(record: dict[str, Any], tmp_path: Path) -> None:
    run = train(recipe("train.steps=2"), tmp_path / "run")
    run.record_file.write_text(json.dumps({**json.loads(run.record_file.read_text()), **record}))
    with pytest.raises(RunError, match=r"run\.json is no record of a run"):
        train(recipe("train.steps=4"), run.folder, resume=True)


def test_what_is_left_of_a_run_is_not_trained_into(tmp_path: Path) -> None:
    """Its checkpoints of later steps would be taken for those of the new run."""
    run = train(recipe("train.steps=9"), tmp_path / "1")
    before = tensors(run)
    run.record_file.unlink()
    for out in (run.folder, tmp_path / "{seed}"):
        with pytest.raises(RunError, match=r"has checkpoints, but no run\.json"):
            train(recipe("train.steps=3"), out) if out == run.folder else train_seeds(
                recipe("train.steps=3"), [0, 1], out)
    assert_equal(before, tensors(run))


def test_a_damaged_checkpoint_names_the_one_before(tmp_path: Path) -> None:
    run = train(recipe(), tmp_path / "run")
    (run.checkpoints / "step-00000020" / "networks.safetensors").write_bytes(b"rubbish")
    with pytest.raises(checkpoint.CheckpointError) as told:
        train(recipe("train.steps=21"), run.folder, resume=True)
    assert "remove" in told.value.hint
    assert "step-00000014 is the last one" in told.value.hint
    shutil.rmtree(run.checkpoints / "step-00000020")
    assert 21 in checkpoint.steps(train(recipe("train.steps=21"), run.folder, resume=True).checkpoints)
