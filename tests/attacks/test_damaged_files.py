"""Damaged files end in our own error; `damaged_files.py` does the same ten thousand times."""

from __future__ import annotations

from pathlib import Path

import pytest
from damaged_files import Target, attack, resumed, targets


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@pytest.fixture(scope="module")
def whole(folder: Path) -> list[Target]:
    return targets(folder)


@pytest.mark.parametrize("first", [0, 50_000])
def test_damage_is_refused_in_words(folder: Path, whole: list[Target], first: int) -> None:
    found = attack(folder, whole, first, 220)
    assert found.faults == []
    assert sum(found.refused.values()) > 100
    assert len({*found.read, *found.refused}) == 11


@pytest.mark.parametrize("seed", [1775, 1908, 2786, 3412, 51])
def test_what_once_was_a_fault_is_none(folder: Path, whole: list[Target], seed: int) -> None:
    assert attack(folder, whole, seed, 1).faults == []


def test_a_run_with_other_values_goes_on_or_is_left_as_it_was(folder: Path, whole: list[Target]) -> None:
    found = attack(folder, resumed(folder), 0, 90)
    assert found.faults == []
    assert found.refused["state, resumed"] > 15
