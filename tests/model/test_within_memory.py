"""Networks that are too large for the machine are refused before they take its memory."""

from __future__ import annotations

import os

import pytest
import torch
from small_runs import recipe
from torch import nn

from unbraid.data import open_data
from unbraid.model import build_method
from unbraid.model.networks import WithinMemory
from unbraid_configs import RecipeError


def test_memory_is_counted_over_networks_and_not_for_what_was_refused() -> None:
    memory = WithinMemory(most=4 * (9 * 5 + 5 * 10 + 10))
    with memory.next():
        nn.Linear(9, 5, bias=False)
    with pytest.raises(ValueError, match="one of them 10 x 10, the networks take more than"), memory.next():
        nn.Linear(10, 10, bias=False)
    with memory.next():
        nn.Linear(5, 10, bias=False, device="meta")
        nn.Linear(5, 10, bias=True)
    assert memory.taken == memory.most
    with pytest.raises(ValueError, match="one of them 1,"), memory.next():
        torch.zeros(1, dtype=torch.float64)


def test_a_recipe_of_absurd_sizes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 256, "SC_PAGE_SIZE": 4096}.__getitem__)         # a MiB
    facts = open_data(recipe().data).facts
    assert set(build_method(recipe(), facts).modules) == {"encoder", "generator", "critic"}
    with pytest.raises(RecipeError) as told:
        build_method(recipe("networks.encoder.hidden=[1000]"), facts)
    assert "encoder (convnets.mlp_encoder): with its weights, one of them 1,000 x 192, the networks take more than " \
        "0.0 GiB, half of this machine's memory" in str(told.value)
    assert "critic (" not in str(told.value)
