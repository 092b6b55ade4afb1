"""The pack of every bundled recipe's model gives what its run gives, to the bit, where run and data are gone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from narrow_recipes import narrow, own_data, undrawn

from unbraid import load
from unbraid.engine import train
from unbraid.model import Model
from unbraid.values import map_tensors, tensors
from unbraid_configs import bundled_recipes
from unbraid_plugins.tools.packs import write_pack
from unbraid_registry import UnbraidError

__all__ = ["own_data"]


def given(model: Model, function: str) -> tuple[list[Any], dict[str, Any]]:
    """Values for a function's parameters and for fields of them, of the shapes that it was built for."""
    chance = torch.Generator().manual_seed(0)

    def filled(t: torch.Tensor) -> torch.Tensor:
        if not t.dtype.is_floating_point:
            return torch.zeros(t.shape, dtype=t.dtype)
        return torch.rand(t.shape, generator=chance).to(t.dtype)

    known = model.method.parameters[function]
    return [map_tensors(filled, known[p]) for p in model.functions[function]], {
        p: map_tensors(filled, known[p]) for p in known if p not in model.functions[function]}


def answers(model: Model) -> dict[str, Any]:
    """What every function gives, as tensors, or why it does not."""
    found: dict[str, Any] = {}
    for name, parameters in model.functions.items():
        if not set(parameters) <= model.method.parameters[name].keys():
            continue                               # an angle of the flow's own: nothing says of which shape
        values, fields = given(model, name)
        try:
            found[name] = [t.clone() for t in tensors(model(name, *values, n=2, seed=3, fields=fields))]
        except UnbraidError as error:
            found[name] = error.message
    return found


@pytest.mark.parametrize("name", bundled_recipes())
def test_a_pack_gives_what_the_run_gives(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    undrawn(monkeypatch)
    monkeypatch.setattr("unbraid_plugins.tools.packs.packing.picture_of", lambda model: "")
    fewer = ["data.source.count=24"] if name == "view-graph-boxes" else []
    if name.startswith("drnet") and name != "drnet-sprites":
        fewer = ["functions.predict=null"]         # its shapes, frame by frame, take longer than all else
    run = train(narrow(name, "train.steps=1", *fewer), tmp_path / "run")
    there = answers(load(run.folder))
    pack = write_pack(run.folder, tmp_path / "pack" / "model.safetensors").path
    shutil.rmtree(run.folder)
    here = answers(load(pack))
    assert here.keys() == there.keys()
    for function, own in there.items():
        if isinstance(own, str):
            assert here[function] == own
        else:
            assert len(own) == len(here[function])
            assert all(torch.equal(a, b) for a, b in zip(own, here[function], strict=True)), function
    assert any(isinstance(own, list) and own for own in there.values())
