"""Damaged meshes, pictures and arrays end in our own error; `damaged_data.py` does the same ten thousand times."""

from __future__ import annotations

import warnings
from pathlib import Path

import attrs
import pytest
from damaged_data import targets
from damaged_files import Target, attack


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged-data")


@pytest.fixture(scope="module")
def whole(folder: Path) -> list[Target]:
    return targets(folder)


@pytest.mark.filterwarnings("ignore")
def test_damage_is_refused_in_words(folder: Path, whole: list[Target]) -> None:
    found = attack(folder, whole, 700_000, 500)
    assert found.faults == []
    assert {*found.read, *found.refused} == {t.kind for t in whole}
    assert found.refused.total() > 200
    assert found.read.total() > 100


def test_a_reader_that_fails_is_found(folder: Path, whole: list[Target]) -> None:
    def failing() -> object:
        if whole[0].file.read_bytes() != before:
            raise KeyError("x")
        return None

    before = whole[0].file.read_bytes()
    found = attack(folder, [attrs.evolve(whole[0], read=failing)], 0, 3)
    assert [what for *_, what in found.faults] == ["KeyError: 'x'"] * 3


def test_whole_files_are_read_and_tell_only_their_lack(whole: list[Target]) -> None:
    for target in whole:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            target.read()
        assert [str(w.message).rpartition(": ")[2] for w in said] == (
            ["2 of 2 faces have no texture coordinates, and are drawn without"] if target.kind.endswith("ply") else [])
