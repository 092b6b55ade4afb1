"""Damaged files end in our own error; `damaged_files.py` does the same ten thousand times."""

from __future__ import annotations

from pathlib import Path

import pytest
from damaged_files import attack


@pytest.mark.parametrize("first", [0, 50_000])
def test_damage_is_refused_in_words(tmp_path: Path, first: int) -> None:
    found = attack(tmp_path, first, 220)
    assert found.faults == []
    assert sum(found.refused.values()) > 100
    assert len({*found.read, *found.refused}) == 11


@pytest.mark.parametrize("seed", [1775, 1908, 2786, 3412, 51])
def test_what_once_was_a_fault_is_none(tmp_path: Path, seed: int) -> None:
    assert attack(tmp_path, seed, 1).faults == []
