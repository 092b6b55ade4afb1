"""Environments that nobody cleaned up: each command does its work in them, or says what is wrong in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RECIPE = Path(__file__).parents[1] / "attacks" / "small.yaml"
CALL = "import sys; sys.argv[0] = 'unbraid'; from unbraid.cli import main; sys.exit(main())"
TITLE = "Caf\u00e9 \u2192 \u65e5"
PLAIN = {"LANG": "C", "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}       # stdout is ASCII there
NOWHERE = {"HOME": "/proc", "XDG_CACHE_HOME": "/proc", "TMPDIR": "/nonexistent", "MPLCONFIGDIR": "/proc"}
LEFT = {"COLUMNS": "abc", "LINES": "x", "TERM": "bogus", "OMP_NUM_THREADS": "abc", "NO_COLOR": "1", "TZ": "bogus",
        "CUDA_VISIBLE_DEVICES": "abc", "SOURCE_DATE_EPOCH": "abc", "DISPLAY": ":99"}


def unbraid(folder: Path, *arguments: str, environment: dict[str, str], without: tuple[str, ...] = (),
            stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a new process, with nothing to read and no terminal."""
    kept = {name: value for name, value in os.environ.items() if name not in without}
    return subprocess.run([sys.executable, "-c", CALL, *arguments], cwd=folder, check=False, stdin=subprocess.DEVNULL,
                          env={**kept, "OMP_NUM_THREADS": "1", **environment}, stdout=stdout, stderr=subprocess.PIPE)


@pytest.mark.parametrize(("environment", "without"), [
    ({**PLAIN, **NOWHERE, **LEFT}, ("UNBRAID_CACHE",)),
    ({"COLUMNS": "0", "TERM": "", "OMP_NUM_THREADS": "-1", "PYTHONIOENCODING": "latin-1", "PYTHONWARNINGS": "error",
      "PYTHONOPTIMIZE": "2"}, ("HOME", "UNBRAID_CACHE"))])
def test_a_training_comes_to_its_end(tmp_path: Path, environment: dict[str, str], without: tuple[str, ...]) -> None:
    (tmp_path / "r.yaml").write_text(f"title: {TITLE}\nbase: {RECIPE}\n", encoding="utf-8")
    done = unbraid(tmp_path, "train", "r.yaml", "train.steps=2", "--out", "r", environment=environment, without=without)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert TITLE in (tmp_path / "r" / "recipe.yaml").read_text(encoding="utf-8")
    assert list((tmp_path / "r" / "checkpoints").iterdir())


@pytest.mark.parametrize("environment", [PLAIN, {"PYTHONIOENCODING": "ascii"}])
def test_what_stdout_can_not_hold_is_escaped(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "r.yaml").write_text(f"title: {TITLE}\nbase: {RECIPE}\n", encoding="utf-8")
    done = unbraid(tmp_path, "show", "r.yaml", environment=environment)
    assert done.returncode == 0, done.stderr
    assert rb"Caf\xe9 \u2192 \u65e5" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_stdout_is_told(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = unbraid(tmp_path, "list", "loss", environment=NOWHERE, stdout=full.fileno())
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"disk space" in done.stderr
