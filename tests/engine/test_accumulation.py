"""`train.accumulate`: parts of a batch, one after the other, are the large batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from simulated_ranks import JoinedRandom

from unbraid.data import open_data
from unbraid.engine import Players, turns
from unbraid.engine.turns import StepReport
from unbraid.model import build_method
from unbraid.values import Noise, Random
from unbraid_configs import make_recipe

PARTS, SMALL = 3, 2                                # parts of a batch, and images in each
BASE: dict[str, Any] = {
    "data": {"source": {"type": "sprites", "size": 8, "count": 60}, "draw": {"x1, x2": {}}, "workers": 0},
    "code": {"chunk": "3 x 4"},
    "networks": {"encoder": {"type": "mlp_encoder", "hidden": [8], "gaussian": True},
                 "generator": {"type": "mlp_generator", "hidden": [8]},
                 "critic": {"type": "mlp_critic", "hidden": [8]}},
    "flow": {"q": "encoder(x1)", "f1": "sample(q)", "f2": "sample(encoder(x2))", "mask": "mixing.random_mask()",
             "x3": "generator(mix(f1, f2, mask))"},
    "players": {
        "critic": {"trains": "critic", "turns": 2, "minimizes": {"realism": "gan.tell_apart(critic(x1), critic(x3))"}},
        "autoencoder": {"trains": ["encoder", "generator"], "clip": 0.5, "minimizes": {
            "rebuild": "mse(generator(f1), x1)", "prior": "0.1 * kl(q)", "realism": "gan.fool(critic(x3))"}}},
    "watch": {"far": "mse(x3, x2)"}}


class NoiseOfParts(Noise):
    """For the large batch the noise of its parts, one below the other."""

    def at(self, name: str) -> Random:
        address = {"batch": SMALL, "round": self.round, "dtype": self.dtype}
        return JoinedRandom(self.batch, self.device, None, self.dtype, [
            Noise(self.seed, self.device, step=self.step * PARTS + part, **address).at(name) for part in range(PARTS)])


@pytest.fixture(autouse=True)
def double() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def game(recipe: dict[str, Any], batch: int, accumulate: int) -> Players:
    r = make_recipe({**recipe, "data": {**recipe["data"], "batch": batch}})
    data = open_data(r.data)
    return Players(build_method(r, data.facts), data.batch, torch.device("cpu"), accumulate=accumulate)


def both(recipe: dict[str, Any], steps: int, patch: pytest.MonkeyPatch) -> list[tuple[StepReport, StepReport]]:
    """The steps in parts and with the large batch; afterwards the weights have to be the same."""
    parts = game(recipe, SMALL, PARTS)
    patch.setattr(turns, "Noise", NoiseOfParts)
    large = game(recipe, SMALL * PARTS, 1)
    reports = [(parts.step(step, watch=True), large.step(step, watch=True)) for step in range(steps)]
    for name, module in parts.method.modules.items():
        for a, b in zip(module.parameters(), large.method.modules[name].parameters(), strict=True):
            assert (a - b).abs().max() < 1e-9, name
    return reports


def test_parts_equal_the_large_batch_with_masks_samples_and_several_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    for parts, large in both(BASE, 4, monkeypatch):
        assert parts.outcomes == large.outcomes == [("critic", "updated")] * 2 + [("autoencoder", "updated")]
        assert parts.numbers() == pytest.approx(large.numbers(), rel=1e-6)
        assert "watch/far" in parts.values


def test_a_gate_is_decided_on_the_mean_over_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The threshold lies between what the first part says and what all say."""
    critic = {**BASE["players"]["critic"], "turns": 1}
    asked = {**BASE, "players": {"critic": {**critic, "when": "mse(x1, x2) < 1"},
                                 "autoencoder": BASE["players"]["autoencoder"]}, "watch": {"far": "mse(x1, x2)"}}
    first = game(asked, SMALL, 1).step(0, watch=True).numbers()["watch/far"]
    mean = game(asked, SMALL, PARTS).step(0, watch=True).numbers()["watch/far"]
    assert abs(first - mean) > 1e-3, "the first part is not like all"
    asked["players"]["critic"]["when"] = f"mse(x1, x2) < {(first + mean) / 2}"
    [(parts, large)] = both(asked, 1, monkeypatch)
    assert parts.outcomes == large.outcomes
    assert parts.outcomes[0] == ("critic", "updated" if mean < first else "gate closed")


def test_a_pool_gets_every_image_once() -> None:
    pooled = {**BASE, "networks": {**BASE["networks"], "pool": {"type": "image_pool", "size": 50}}, "players": {
        **BASE["players"],
        "critic": {"trains": "critic", "when": "mean(critic(pool(x3))) < 1000", "minimizes": {
            "realism": "gan.tell_apart(critic(x1), critic(pool(x3)))"}},
        "autoencoder": {"trains": ["encoder", "generator"], "minimizes": {
            "rebuild": "mse(generator(f1), x1) + mse(pool(x3), x1)"}}}}
    parts = game(pooled, SMALL, PARTS)
    for step in range(3):
        parts.step(step)
    assert int(parts.method.modules["pool"].seen) == 3 * PARTS * SMALL
