"""Damaged files given to commands end in one error; `damaged_commands.py` does the same a thousand times."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from damaged_commands import attack, laid_out, listing
from damaged_files import Target


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("commands").resolve()


@pytest.fixture(scope="module")
def whole(folder: Path) -> list[Target]:
    return laid_out(folder)


def test_a_damaged_file_costs_one_error(folder: Path, whole: list[Target], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = attack(folder, whole, 300_000, 60)
    assert found.faults == []
    assert found.refused.total() > 20
    assert found.results.total() > 5


def cut(data: bytes) -> bytes:
    return data[:len(data) // 2]


def noise(data: bytes) -> bytes:
    return bytes(b ^ 0x5A for b in data)


REAL: list[tuple[str, str, Callable[[bytes], bytes]]] = [
    ("recipe", "train recipe.yaml --out out/run", lambda data: data.replace(b"encoder(x)", b"encoder(x).__class__")),
    ("npz", "train data.yaml --out out/run", cut),
    ("weights", "edit run reconstruct alone.png --out out/grid.png", noise),
    ("run's record", "evaluate run", cut),
    ("checkpoint's state", "export run encode --to out/e.pt2", lambda data: b"[" * 100_000)]


@pytest.mark.parametrize(("kind", "line", "damage"), REAL)
def test_as_a_user_sees_it(folder: Path, whole: list[Target], kind: str, line: str,
                           damage: Callable[[bytes], bytes]) -> None:
    target = next(t for t in whole if t.kind == kind)
    data = target.file.read_bytes()
    target.file.write_bytes(damage(data))
    try:
        there = listing(folder)
        done = subprocess.run([sys.executable, "-m", "unbraid", *line.split()], cwd=folder, capture_output=True,
                              text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=120, check=False)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        assert done.stderr.count("Error:") <= 1
        assert target.file.name in done.stderr
        assert listing(folder) == there
    finally:
        target.file.write_bytes(data)
