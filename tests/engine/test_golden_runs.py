"""Runs of every format that there ever was load, give the numbers that they gave, and go on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import unbraid
from unbraid.runs import checkpoint, run as record
from unbraid_configs import load_recipe

GOLDEN = Path(__file__).with_name("golden")
RUNS = sorted(GOLDEN.glob("format-*"))
IMAGE = np.linspace(0, 1, 3 * 16 * 16, dtype=np.float32).reshape(1, 3, 16, 16) ** 2


def test_there_is_a_run_of_every_format() -> None:
    assert record.FORMAT == checkpoint.FORMAT == len(RUNS), "a new format keeps a run of it in tests/engine/golden"


@pytest.mark.parametrize("golden", RUNS, ids=lambda p: p.name)
def test_a_kept_run_gives_the_numbers_that_it_gave(golden: Path) -> None:
    model, told = unbraid.load(golden), json.loads((golden / "told.json").read_text())
    code = model.encode(torch.from_numpy(IMAGE)).mean
    image = model.decode(code)
    np.testing.assert_allclose(code.tensor[0].numpy(), told["code"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(image[0, :, 5, 3].numpy(), told["pixel"], rtol=1e-4, atol=1e-6)
    plain = unbraid.load(golden, averaged=False).encode(torch.from_numpy(IMAGE)).mean
    np.testing.assert_allclose(plain.tensor[0].numpy(), told["without average"], rtol=1e-4, atol=1e-6)
    assert not np.allclose(told["code"], told["without average"])


@pytest.mark.parametrize("golden", RUNS, ids=lambda p: p.name)
def test_a_kept_run_goes_on(golden: Path, tmp_path: Path) -> None:
    told = json.loads((golden / "told.json").read_text())
    shutil.copytree(golden, tmp_path / "run")
    run = unbraid.train(load_recipe(tmp_path / "run" / "recipe.yaml", ["train.steps=5", "train.log_every=1"]),
                        tmp_path / "run", resume=True)
    logged = run.metrics()
    assert [line["step"] for line in logged][-2:] == [4, 5]
    assert logged[-1] == pytest.approx(told["step 5"], rel=1e-4)
