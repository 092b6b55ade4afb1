"""Surroundings of a command: closed streams, what a launcher left, settings of a caller's process."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_autoencoder import tiny_autoencoder

from unbraid import Model, UnbraidError, load, train
from unbraid.cli import main
from unbraid.engine.distributed import RankError, launched

RECIPE = Path(__file__).parents[1] / "attacks" / "small.yaml"


def test_a_training_goes_on_without_standard_streams(tmp_path: Path) -> None:
    call = f"import sys; from unbraid.cli import main; sys.exit(main(['train', {str(RECIPE)!r}, '--out', 'r']))"
    command = f'exec "{sys.executable}" -c "{call}" <&- >&- 2>&-'
    assert subprocess.run(["sh", "-c", command], cwd=tmp_path, check=False).returncode == 0
    assert list((tmp_path / "r" / "checkpoints").iterdir())
    assert (tmp_path / "r" / "metrics.jsonl").read_bytes().startswith(b'{"step"')


@pytest.mark.parametrize(("variables", "told"), [
    ({"WORLD_SIZE": "4"}, "WORLD_SIZE is '4', but RANK, MASTER_ADDR, MASTER_PORT are not set"),
    ({"WORLD_SIZE": "abc", "RANK": "0", "MASTER_ADDR": "a", "MASTER_PORT": "1"}, "'abc', which is no number"),
    ({"WORLD_SIZE": "²", "RANK": "0", "MASTER_ADDR": "a", "MASTER_PORT": "1"}, "no number"),
])
def test_what_a_launcher_left_is_told(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str) -> None:
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RankError, match=told):
        launched()


@pytest.mark.parametrize("out", [["--out", ""], ["--out="]])
def test_an_empty_folder_is_not_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: list[str],
                                                   capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", str(RECIPE), *out]) == 2
    assert "--out is empty" in capsys.readouterr().err
    with pytest.raises(UnbraidError, match="empty name"):
        train(tiny_autoencoder(), "")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(train(tiny_autoencoder(), tmp_path_factory.mktemp("right") / "r").folder)


@pytest.mark.parametrize("context", [
    lambda: torch.device("meta"), lambda: torch.autocast("cpu", torch.bfloat16), torch.inference_mode,
    lambda: torch.autograd.set_detect_anomaly(True), lambda: np.errstate(all="raise"), torch.no_grad,
])
def test_settings_of_the_caller_do_not_change_a_training(context, right: Model, tmp_path: Path) -> None:
    with context():
        found = load(train(tiny_autoencoder(), tmp_path / "r").folder)
    for name, weight in found.modules["encoder"].state_dict().items():
        assert torch.equal(weight, right.modules["encoder"].state_dict()[name])


def test_a_training_leaves_the_callers_random_numbers(tmp_path: Path) -> None:
    def drawn() -> tuple[float, float, float]:
        return torch.rand(1).item(), float(np.random.rand()), random.random()

    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(5)
    expected = drawn()
    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(5)
    load(train(tiny_autoencoder(), tmp_path / "r").folder)
    assert drawn() == expected


def test_a_dtype_in_which_nothing_is_learned_is_refused(tmp_path: Path) -> None:
    torch.set_default_dtype(torch.float16)
    try:
        with pytest.raises(UnbraidError, match=r"float16.*learned"):
            train(tiny_autoencoder(), tmp_path / "r")
    finally:
        torch.set_default_dtype(torch.float32)
