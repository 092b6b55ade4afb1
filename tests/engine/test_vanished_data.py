"""Data that vanishes or is damaged while it is trained on: one error that names it, and the training can go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small_runs import RECIPE, assert_equal, recipe, tensors

from unbraid.data import DataError
from unbraid.engine import Players, train
from unbraid.runs import checkpoint

QUICK = ("train.steps=12", "train.log_every=1", "train.checkpoint_every=2", "train.picture_every=100")
Act = Callable[[Path], Any]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Forty small pictures."""
    folder, numbers = tmp_path / "pictures", np.random.default_rng(0)
    folder.mkdir()
    for i in range(40):
        Image.fromarray(numbers.integers(0, 255, (9, 8, 3), np.uint8)).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def at_step(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], Any]], None]:
    """Something happens before a step is computed, once."""
    def arrange(wanted: int, act: Callable[[], Any]) -> None:
        step, done = Players.step, []

        def stepped(self: Players, number: int, **options: Any) -> Any:
            if number == wanted and not done:
                done.append(act())
            return step(self, number, **options)

        monkeypatch.setattr(Players, "step", stepped)

    return arrange


def lazily(pictures: Path, workers: int) -> Any:
    return recipe(*QUICK, data={**RECIPE["data"], "workers": workers, "source": {
        "type": "folder", "path": str(pictures), "size": 8, "check": "headers"}})


def remove(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


def fill_with_nonsense(path: Path) -> None:
    path.write_bytes(b"nonsense" * 20)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("harm", [remove, cut, fill_with_nonsense])
def test_pictures_that_go_end_it_with_their_name(pictures: Path, tmp_path: Path, at_step: Any, harm: Act, workers: int
                                                 ) -> None:
    before = {p: p.read_bytes() for p in pictures.iterdir()}
    at_step(3, lambda: [harm(p) for p in before])
    with pytest.raises(DataError, match=str(pictures)) as error:
        train(lazily(pictures, workers), tmp_path / "run")
    assert ("restore the file," in error.value.hint) == (harm is remove)
    for path, content in before.items():
        path.write_bytes(content)
    run = train(lazily(pictures, workers), tmp_path / "run", resume=True)
    assert run.record()["sessions"][0]["exit"].startswith("DataError")
    whole = train(lazily(pictures, 0), tmp_path / "whole")
    assert_equal(tensors(run), tensors(whole))
    assert run.metrics() == whole.metrics()


def test_the_checkpoint_before_is_whole(pictures: Path, tmp_path: Path, at_step: Any) -> None:
    at_step(5, lambda: [p.unlink() for p in pictures.iterdir()])
    with pytest.raises(DataError):
        train(lazily(pictures, 0), tmp_path / "run")
    last = max(checkpoint.steps(tmp_path / "run" / "checkpoints"))
    assert last >= 4
    assert all(torch.isfinite(t).all() for t in tensors_at(tmp_path / "run", last).values())


def tensors_at(folder: Path, step: int) -> dict[str, torch.Tensor]:
    return checkpoint.flat(checkpoint.read(checkpoint.steps(folder / "checkpoints")[step]).groups)


@pytest.mark.parametrize("kind", ["npz", "folder"])
def test_what_is_in_memory_does_not_miss_its_file(pictures: Path, tmp_path: Path, at_step: Any, kind: str) -> None:
    source: dict[str, Any] = {"type": "folder", "path": str(pictures), "size": 8}
    if kind == "npz":
        np.savez(tmp_path / "images.npz", images=np.random.default_rng(1).integers(0, 255, (40, 8, 8, 3), np.uint8))
        source = {"type": "npz", "path": str(tmp_path / "images.npz")}
    asked = recipe(*QUICK, data={**RECIPE["data"], "source": source})
    whole = train(asked, tmp_path / "whole")
    at_step(3, lambda: [p.unlink() for p in (*pictures.iterdir(), *tmp_path.glob("*.npz"))])
    run = train(asked, tmp_path / "run")
    assert_equal(tensors(run), tensors(whole))
    with pytest.raises(DataError, match=str(source["path"])):
        train(asked, tmp_path / "run", resume=True)
