"""Runs that say more than they have, folders that are wanted twice, files that their own readers could not read."""

from __future__ import annotations

import json
import math
import os
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from tiny_autoencoder import tiny_autoencoder

from unbraid import UnbraidError, load, train
from unbraid.data import open_data
from unbraid.runs import Logbook, Run, RunError, new_folder
from unbraid_registry.files import parse_json, read_lines, to_json


def test_a_run_whose_checkpoints_are_gone_is_not_begun_anew(tmp_path: Path) -> None:
    run = train(tiny_autoencoder("train.checkpoint_every=2"), tmp_path / "r")
    log = run.metrics_file.read_bytes()
    shutil.copytree(run.checkpoints, tmp_path / "away")
    shutil.rmtree(run.last_checkpoint())
    with pytest.warns(UserWarning, match="trained up to step 6, but its last checkpoint is of step 4"):
        assert train(tiny_autoencoder(), run.folder, resume=True).last_checkpoint().name == "step-00000006"
    shutil.rmtree(run.checkpoints)
    with pytest.raises(UnbraidError, match=r"(?s)up to step 6, but its checkpoints are gone.*put .*checkpoints back"):
        train(tiny_autoencoder("train.steps=9"), run.folder, resume=True)
    assert run.metrics_file.read_bytes() == log
    shutil.copytree(tmp_path / "away", run.checkpoints)
    assert train(tiny_autoencoder("train.steps=9"), run.folder, resume=True).last_checkpoint()


def test_a_run_that_failed_before_its_first_checkpoint_begins_again(tmp_path: Path) -> None:
    run = train(tiny_autoencoder(), tmp_path / "r")
    record = run.record()
    record["sessions"][-1]["exit"] = "CheckpointError: can't write the checkpoint"
    run.write_record(record)
    shutil.rmtree(run.checkpoints)
    assert train(tiny_autoencoder(), run.folder, resume=True).last_checkpoint()


def test_folders_that_are_asked_for_at_once_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(new_folder("base"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(folder) for folder in found) == ["runs/base", *(f"runs/base-{n}" for n in range(2, 9))]
    for folder in found:                           # trainings that do not begin leave nothing behind
        with Run(folder).locked():
            pass
    assert not list(tmp_path.iterdir())


def test_a_folder_that_can_not_be_made_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").write_text("")
    with pytest.raises(UnbraidError, match=r"(?s)can't make the folder runs/base.*--out"):
        new_folder("base")


def test_names_of_many_classes_do_not_make_a_record_that_can_not_be_read(tmp_path: Path) -> None:
    names = np.array([f"/data/celeba/img_align_celeba_png/train/image_{i:07}.png" for i in range(10_000)])
    images = np.arange(10_000, dtype=np.uint8)[:, None, None].repeat(8, 1).repeat(8, 2)
    np.savez(tmp_path / "big.npz", images=images, filename=names, label=np.arange(10_000) % 3,
             label_names=np.array(["a", "b", "c"]))
    facts = open_data(tiny_autoencoder(f"data.source={{type: npz, path: {tmp_path / 'big.npz'}}}").data).facts
    assert facts.draws["x"].fields["filename"].names is None
    assert facts.draws["x"].fields["filename"].classes == 10_000
    assert facts.draws["x"].fields["label"].names == ("a", "b", "c")
    assert len(json.dumps(facts.to_json())) < 10_000


def test_a_record_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write_record({"title": "small"})
    with pytest.raises(RunError, match="larger than 16 MiB"):
        run.write_record({"title": "x" * (17 << 20)})
    assert run.record()["title"] == "small"


def test_numbers_that_are_not_finite_are_null_in_the_log(tmp_path: Path) -> None:
    run = Run(tmp_path)
    book = Logbook(run)
    book.numbers(1, {"a/b": math.nan, "a/c": math.inf, "a/d": 0.5})
    assert json.loads(run.metrics_file.read_text(), parse_constant=pytest.fail) == {
        "step": 1, "a/b": None, "a/c": None, "a/d": 0.5}
    assert math.isnan(run.metrics()[0]["a/b"])
    run.metrics_file.write_text('{"step": 1, "a/b": NaN}\n')         # as runs of before have it
    assert math.isnan(run.metrics()[0]["a/b"])
    assert json.loads(to_json({"a": [math.inf, (1.0, math.nan)]}), parse_constant=pytest.fail) == {
        "a": [None, [1.0, None]]}


def test_a_name_that_stands_twice_is_told() -> None:
    with pytest.raises(ValueError, match="'step' twice"):
        parse_json('{"a": {"step": 1, "step": 2}}')


def test_a_log_of_a_million_lines_is_read_in_time(tmp_path: Path) -> None:
    lines = [b'{"step": %d, "autoencoder/rebuild": 0.25}\n' % step for step in range(1_000_000)]
    (tmp_path / "metrics.jsonl").write_bytes(b"".join(lines))
    began = time.process_time()
    found = [logged["step"] for _, logged in Run(tmp_path).logged(64)]
    assert time.process_time() - began < 2
    assert found == list(range(0, 1_000_000, 64))
    (tmp_path / "odd").write_bytes(b"1\n2\n" + b"x" * (3 << 20) + b"\n4")
    assert next(iter(read_lines(tmp_path / "odd", 2))) == b"1"
    assert all(len(line) < 1 << 20 for line in read_lines(tmp_path / "odd", 2))


def test_a_folder_whose_name_is_no_utf_8_has_a_run(tmp_path: Path) -> None:
    run = train(tiny_autoencoder(), os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    assert load(run.folder).step == 6
    assert train(tiny_autoencoder("train.steps=8"), run.folder, resume=True).last_checkpoint().name == "step-00000008"


def test_weights_are_read_without_the_rest(tmp_path: Path) -> None:
    run = train(tiny_autoencoder(), tmp_path / "r")
    (run.last_checkpoint() / "optimizers.safetensors").write_bytes(b"damaged")
    assert load(run.folder).step == 6
    with pytest.raises(UnbraidError, match="optimizers"):
        train(tiny_autoencoder("train.steps=8"), run.folder, resume=True)
