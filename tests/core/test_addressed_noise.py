"""Randomness has an address: every part of it makes other numbers, and the same address the same ones."""

from __future__ import annotations

import itertools

import pytest
import torch

from unbraid.random import Noise, seed_at

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
