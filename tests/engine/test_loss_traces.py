"""The first losses of every bundled recipe are what they were: a refactoring reproduces them, or says why not.

    UNBRAID_RENEW_TRACES=1 pytest tests/engine/test_loss_traces.py        # writes them anew; say why in the commit
    UNBRAID_COMPILE=1 pytest tests/engine/test_loss_traces.py         # compiled networks have them, too: half an hour
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from narrow_recipes import NARROWER, SMALL, own_data

from unbraid.engine import Training
from unbraid.runs import Run
from unbraid_configs import bundled_recipes, load_recipe

TRACES = Path(__file__).with_name("loss_traces.json")
STEPS = 2
__all__ = ["own_data"]


def trace(name: str, folder: Path, *changes: str) -> list[dict[str, float]]:
    """The losses of the first steps, in float64; the second step's depend on the first one's gradients."""
    recipe = load_recipe(name, [*SMALL, *NARROWER.get(name, ()), "data.workers=0", "train.device=cpu", *changes])
    recipe = Run.with_cuts(recipe, ())             # split by row, as when they were stored
    training = Training.start(recipe, Run(folder), torch.device("cpu"))
    try:
        return [training.players.step(step).numbers() for step in range(STEPS)]
    finally:
        training.close()


@pytest.mark.parametrize("name", bundled_recipes())
@pytest.mark.usefixtures("double_precision")
def test_the_first_losses_are_what_they_were(name: str, tmp_path: Path) -> None:
    stored = json.loads(TRACES.read_text()) if TRACES.exists() else {}
    found = trace(name, tmp_path / "run")
    if os.environ.get("UNBRAID_RENEW_TRACES"):
        kept = {n: t for n, t in stored.items() if n in bundled_recipes()}
        TRACES.write_text(json.dumps(dict(sorted({**kept, name: found}.items())), indent=0) + "\n")
        return
    assert name in stored, "a new recipe: see the first lines of this file"
    assert [sorted(step) for step in found] == [sorted(step) for step in stored[name]]
    for now, then in zip(found, stored[name], strict=True):
        assert now == pytest.approx(then, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("name", bundled_recipes() if os.environ.get("UNBRAID_COMPILE") else [])
@pytest.mark.usefixtures("double_precision")
def test_compiled_networks_have_the_same_losses(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With channels last: dropout draws numbers in the order of memory, which the compiler chooses otherwise."""
    monkeypatch.setattr("unbraid.engine.compile.worth_compiling", lambda network, inputs, where: True)
    eager, compiled = (trace(name, tmp_path / which, "train.channels_last=true", f"train.compile={which}")
                       for which in ("false", "true"))
    for now, then in zip(compiled, eager, strict=True):
        assert now == pytest.approx(then, rel=1e-6, abs=1e-8)
