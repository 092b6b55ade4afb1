"""train-seeds: several seeds as one model, each in its own run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unbraid_plugins.tools.studies.seeds_command import seeds_of
from unbraid_registry import UnbraidError


def test_every_seed_gets_its_run_and_can_go_on_with_the_others(unbraid, tiny: Path, tmp_path: Path) -> None:
    said = unbraid("train-seeds", tiny, "0..1", "--out", "study")
    assert said.code == 0
    assert "2 seeds as one model: 0, 1" in said.err
    assert "This takes about" in said.err
    assert "unbraid evaluate study/seed=0 study/seed=1" in said.err
    assert json.loads((tmp_path / "study/seed=1/run.json").read_text())["sessions"][0]["beside"] == [0, 1]
    said = unbraid("train-seeds", "--resume", "0..1", "--out", "study", "train.steps=3")
    assert "Going on from step 2 of 3." in said.err
    assert json.loads((tmp_path / "study/seed=0/run.json").read_text())["sessions"][1]["to_step"] == 3


def test_seeds_are_a_range_or_a_list() -> None:
    assert seeds_of("0..3") == [0, 1, 2, 3]
    assert seeds_of("4,0,2") == [4, 0, 2]
    with pytest.raises(UnbraidError, match="no whole numbers"):
        seeds_of("a,b")


def test_what_is_wrong_is_one_message(unbraid, tiny: Path) -> None:
    said = unbraid("train-seeds", tiny, "3,x", "--out", "study")
    assert (said.code, said.err.count("\n")) == (2, 2)
    assert "write 0..7, or 0,3,5" in said.err
    assert "no run" in unbraid("train-seeds", "--resume", "0..1", "--out", "nowhere").err
