"""What devices have, and what a training says of one that lacks it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import recipe

from unbraid import train
from unbraid.engine import without_bfloat16

HAS = {"architecture": "x86_64", "avx2": True, "avx512_bf16": False, "amx_bf16": False}


@pytest.mark.parametrize(("has", "lacks"), [
    (HAS, True), ({**HAS, "avx512_bf16": True}, False), ({**HAS, "amx_bf16": True}, False),
    ({"architecture": "aarch64"}, False), ({}, False)])
def test_processors_without_bfloat16(has: dict[str, Any], lacks: bool, monkeypatch: pytest.MonkeyPatch,
                                     tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert bool(without_bfloat16(torch.device("cpu"))) == lacks
    for precision in ("float32", "bf16"):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            train(recipe("train.steps=1", f"train.precision={precision}"), tmp_path / precision)
        said = [str(w.message) for w in told if "bfloat16" in str(w.message)]
        assert said == (["train.precision=bf16: this processor has no instructions for bfloat16; float32 is several "
                         "times as fast there"] if lacks and precision == "bf16" else [])


def test_other_devices_lack_nothing_that_we_know() -> None:
    assert without_bfloat16(torch.device("meta")) == ""
    assert "architecture" in torch.cpu.get_capabilities()          # as it is asked for
