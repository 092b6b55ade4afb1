"""Terminals that are closed, gone or full cost no training: what they would show is lost, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from unbraid_registry.terminal import echo, open_streams

HERE = Path(__file__).parent
CODE = ("import sys; from unbraid.cli import main; code = main();"
        "print('said by a library', file=sys.__stderr__ or sys.stderr); open('code', 'w').write(str(code))")


def test_a_training_without_streams_comes_to_its_end(tmp_path: Path) -> None:
    """As services and some job systems start it; no file takes the number of a stream and gets what is printed."""
    shutil.copy(HERE / "small.yaml", tmp_path)
    command = f"exec '{sys.executable}' -c \"{CODE}\" train small.yaml train.steps=2 --yes --out run <&- >&- 2>&-"
    subprocess.run(["sh", "-c", command], cwd=tmp_path, timeout=120, check=True)
    assert (tmp_path / "code").read_text() == "0"
    assert (tmp_path / "run/checkpoints/step-00000002").is_dir()
    assert not any(b"said by" in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_stderr_loses_words_and_a_full_stdout_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w", buffering=1) as full:
        monkeypatch.setattr(sys, "stderr", full)
        echo("lost", err=True)
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(OSError, match="No space left"):
            echo("a result")
        monkeypatch.undo()
        with pytest.raises(OSError, match="No space left"):
            full.close()                           # what Python still holds


def test_streams_that_are_there_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sys.stdout
    open_streams()
    assert sys.stdout is before
    monkeypatch.setattr(sys, "stdin", None)
    open_streams()
    assert sys.stdin.read() == ""
    assert os.fstat(0)
