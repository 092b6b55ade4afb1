"""Randomness has an address: every part of it makes other numbers, and the same address the same ones."""

from __future__ import annotations

import itertools

import pytest
import torch

from unbraid.data import open_data
from unbraid.model import build_method
from unbraid.values import Noise, seed_at
from unbraid_configs import make_recipe

HOME = {"seed": 0, "step": 3, "round": 1, "rank": 0}


def drawn(name: str = "mask", **changed: int) -> torch.Tensor:
    return Noise(device=torch.device("cpu"), batch=4, **{**HOME, **changed}).at(name).normal(8)


def test_the_same_address_gives_the_same_numbers_however_often_it_is_asked() -> None:
    noise = Noise(device=torch.device("cpu"), batch=4, **HOME)
    first = noise.at("mask").normal(8)
    noise.at("other").normal(100)
    assert torch.equal(noise.at("mask").normal(8), first)
    assert torch.equal(drawn(), first)


@pytest.mark.parametrize("part", [{"seed": 1}, {"step": 4}, {"round": 0}, {"rank": 1}, {"name": "mask2"}], ids=str)
def test_every_part_of_the_address_counts(part: dict) -> None:
    assert not torch.equal(drawn(**part), drawn())


def test_torchs_own_generator_is_neither_used_nor_moved() -> None:
    torch.manual_seed(5)
    first = drawn()
    state = torch.get_rng_state()
    torch.manual_seed(6)
    assert torch.equal(drawn(), first)
    torch.manual_seed(5)
    assert torch.equal(torch.get_rng_state(), state)


def test_addresses_do_not_run_together() -> None:
    addresses = [*itertools.product((0, 1, 11), repeat=3), ("a", 1), ("a1",), ("1", "a"), (1, "a")]
    assert len({seed_at(*address) for address in addresses}) == len(addresses)


def first_weights(seed: int = 0) -> dict[str, torch.Tensor]:
    recipe = make_recipe({
        "data": {"source": {"type": "sprites", "size": 8, "count": 20}, "batch": 2}, "code": {"z": 4},
        "networks": {"one, two": {"type": "mlp_encoder", "hidden": [4]}},
        "players": {"all": {"trains": ["one", "two"], "minimizes": {"near": "mse(one(x), two(x))"}}},
        "train": {"seed": seed}})
    modules = build_method(recipe, open_data(recipe.data).facts).modules
    return {name: torch.cat([w.flatten() for w in module.parameters()]) for name, module in modules.items()}


def test_first_weights_belong_to_the_seed_and_the_networks_name() -> None:
    weights = first_weights()
    assert not torch.equal(weights["one"], weights["two"])
    assert torch.equal(weights["one"], first_weights()["one"])
    assert not torch.equal(weights["one"], first_weights(seed=1)["one"])
