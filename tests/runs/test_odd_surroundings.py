"""Disks without locks, fsync or permissions; readers of the progress that go away; plugins that change torch."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import random
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile
from tiny_autoencoder import tiny_autoencoder

from unbraid import train
from unbraid.data import open_data
from unbraid.engine import Progress, data_notes
from unbraid.runs import RunError, checkpoint, is_free, locked, write_whole
from unbraid_registry.ambient import defaults_kept
from unbraid_registry.terminal import echo

BUSY = RunError("busy")


def refuse(number: int):
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))
    return refused


def test_a_disk_without_locks_is_told_and_used(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(fcntl, "flock", refuse(errno.ENOSYS))
    with pytest.warns(UserWarning, match="can't be locked"), locked(tmp_path, BUSY):
        assert is_free(tmp_path)
    monkeypatch.setattr(fcntl, "flock", refuse(errno.EAGAIN))
    with pytest.raises(RunError, match="busy"), locked(tmp_path, BUSY):
        pass


def test_a_disk_without_permissions_or_fsync_takes_files_and_checkpoints(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(os, "chmod", refuse(errno.EPERM))
    monkeypatch.setattr(os, "fsync", refuse(errno.EINVAL))
    write_whole(tmp_path / "a.txt", "whole")
    written = checkpoint.write(tmp_path, checkpoint.Checkpoint(3, {"network": {"w": torch.ones(2)}}, {}))
    assert (tmp_path / "a.txt").read_text() == "whole"
    assert (written / "network.safetensors").is_file()
    monkeypatch.setattr(os, "fsync", refuse(errno.EIO))
    with pytest.raises(checkpoint.CheckpointError, match="Input/output"):
        checkpoint.write(tmp_path, checkpoint.Checkpoint(4, {"network": {"w": torch.ones(2)}}, {}))


def test_progress_goes_on_when_its_reader_is_gone() -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with Progress(2, out=Gone()) as progress:
        progress.say("first")
        progress.at(1, {"a/b": 1.0})
        progress.at(2, {"a/b": 1.0})


def test_what_a_terminal_can_not_show_is_escaped(monkeypatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", out)
    echo("caf\u00e9 \u540d")
    out.flush()
    assert out.buffer.getvalue() == b"caf\xe9 \\u540d\n"  # type: ignore[attr-defined]


def test_a_plugin_can_not_change_torchs_defaults() -> None:
    def frozen() -> None:
        with defaults_kept("freeze"):
            torch.set_grad_enabled(False)
            torch.set_default_dtype(torch.float64)

    with pytest.warns(UserWarning, match="'freeze' changed torch's gradients and default dtype"):
        frozen()
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize(("change", "what"), [
    (os.chdir, "the working folder"), (lambda _: np.seterr(all="raise"), "numpy's treatment of errors"),
    (lambda _: setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True), "Pillow's LOAD_TRUNCATED_IMAGES"),
    (lambda _: torch.set_num_threads(torch.get_num_threads() + 1), "torch's threads"),
    (lambda _: torch.set_float32_matmul_precision("medium"), "torch's matmul precision"),
    (lambda _: torch.use_deterministic_algorithms(True), "torch's determinism"),
    (lambda _: warnings.simplefilter("ignore"), "the filter of warnings")])
def test_settings_that_a_plugin_changes_are_put_back(tmp_path: Path, change, what: str) -> None:
    def settings() -> list[object]:
        return [os.getcwd(), np.geterr(), ImageFile.LOAD_TRUNCATED_IMAGES, torch.get_num_threads(),
                torch.get_float32_matmul_precision(), torch.are_deterministic_algorithms_enabled()]

    before = settings()
    with pytest.warns(UserWarning, match=f"'odd' changed {what} when it was imported"), defaults_kept("odd"):
        change(tmp_path)
    assert settings() == before


def test_random_numbers_go_on_as_if_a_plugin_had_not_been_imported() -> None:
    def drawn() -> list[float]:
        return [random.random(), np.random.rand(), torch.rand(()).item()]

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    expected = drawn()
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
    with defaults_kept("odd"):
        random.seed(0)
        np.random.seed(0)
        torch.manual_seed(0)
    assert drawn() == expected


def test_a_distribution_whose_folder_has_another_name_is_found(tmp_path: Path) -> None:
    from unbraid_registry.discovery import installed

    folder = tmp_path / "my-plugin-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: other-name\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[unbraid]\nmine = mine\n")
    candidates, _ = installed([str(tmp_path)])
    assert [c.name for c in candidates] == ["mine"]


def test_data_that_changed_after_the_training_is_noted(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(8):
        Image.new("RGB", (8, 8), (30 * i, 9, 9)).save(photos / f"{i}.png")
    recipe = tiny_autoencoder("data.source={type: folder, path: " + str(photos) + ", size: 8}")
    run = train(recipe, tmp_path / "run")
    assert not data_notes(open_data(recipe.data), run)
    Image.new("RGB", (8, 8), "white").save(photos / "0_new.png")
    with pytest.warns(UserWarning, match="changed after the training"):
        notes = data_notes(open_data(recipe.data), run)
    assert "9 images" in notes[0]
    assert "was 8 images" in notes[0]
