"""FactorVAE's critic, its two losses against the optimal critic of a Gaussian, and the game of its recipes."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from unbraid import Layout, UnbraidError
from unbraid.data import open_data
from unbraid.engine import Players, Turn, TurnGradients, forwards, gradients_reach
from unbraid.model import build_method
from unbraid_configs import Factor, load_recipe
from unbraid_plugins.papers.vae import FactorCritic, density_ratio, tell_shuffled
from unbraid_plugins.shared.operations import permute_dims

LATENTS = Layout.of({"z": Factor(name="z", size=10)})
RHO = 0.8


# -- the critic and the losses -----------------------------------------------------------------------------------------


def test_the_critic_has_the_studys_number_of_weights(context):
    z = torch.empty(2, 10, device="meta")
    with torch.device("meta"):
        module = FactorCritic().build(context(code=LATENTS), z)
    assert sum(p.numel() for p in module.parameters()) == 5_018_002
    assert module(z).shape == (2, 2)


def test_the_critic_is_six_leaky_layers_and_begins_with_glorots_weights(context):
    module = FactorCritic().build(context(code=LATENTS), torch.empty(2, 10))
    kinds = [type(m) for m in module.modules() if isinstance(m, nn.Linear | nn.LeakyReLU)]
    assert kinds == [nn.Linear, nn.LeakyReLU] * 6 + [nn.Linear]
    assert {m.negative_slope for m in module.modules() if isinstance(m, nn.LeakyReLU)} == {0.2}
    for layer in (m for m in module.modules() if isinstance(m, nn.Linear)):
        bound = (6 / (layer.in_features + layer.out_features)) ** 0.5
        assert layer.bias.abs().max() == 0
        assert 0.9 * bound < layer.weight.abs().max() <= bound


def test_the_critic_takes_several_codes_but_not_none(context):
    parts = torch.randn(2, 3), torch.randn(2, 7)
    assert FactorCritic().build(context(code=LATENTS), *parts)(*parts).shape == (2, 2)
    with pytest.raises(UnbraidError, match="without a value"):
        FactorCritic().build(context(code=LATENTS))


def test_the_critics_loss_is_half_of_each_cross_entropy():
    ours, shuffled = torch.randn(2, 7, 2, dtype=torch.float64)
    first, second = torch.zeros(7, dtype=torch.long), torch.ones(7, dtype=torch.long)
    expected = 0.5 * functional.cross_entropy(ours, first) + 0.5 * functional.cross_entropy(shuffled, second)
    assert torch.allclose(tell_shuffled(ours, shuffled), expected)
    assert tell_shuffled(torch.zeros(3, 2), torch.zeros(3, 2)).item() == pytest.approx(math.log(2))


def test_by_hand():
    logits = torch.tensor([[2.0, -1.0], [0.0, 1.0]])
    assert density_ratio(logits).item() == (3 - 1) / 2
    certain = torch.tensor([[300.0, -300.0]])                   # right without a doubt, and wrong
    assert tell_shuffled(certain, -certain).item() == 0
    assert tell_shuffled(-certain, certain).item() == 600


def test_gradients_agree_with_finite_differences():
    ours, shuffled = (torch.randn(3, 2, dtype=torch.float64).requires_grad_() for _ in range(2))
    assert torch.autograd.gradcheck(tell_shuffled, (ours, shuffled))
    assert torch.autograd.gradcheck(density_ratio, (ours,))


def test_one_score_per_code_is_refused_with_what_to_take():
    with pytest.raises(ValueError, match=r"\(3, 1\)[\s\S]*gan.tell_apart"):
        density_ratio(torch.rand(3, 1))
    with pytest.raises(ValueError, match="two logits"):
        tell_shuffled(torch.rand(3, 1), torch.rand(3, 1))
    with pytest.raises(ValueError, match="one shape"):
        tell_shuffled(torch.rand(3, 2), torch.rand(4, 2))


# -- the density ratio is the total correlation where the critic is optimal --------------------------------------------


def together(z, *, random):
    """Broken: one permutation for all dimensions."""
    return z[random.permutation(len(z))]


def check_the_best_critic_tells_the_total_correlation(dice: Any, shuffle: Callable[..., torch.Tensor] = permute_dims,
                                                      ratio: Callable[[torch.Tensor], torch.Tensor] = density_ratio,
                                                      ) -> None:
    """The log density ratio of a Gaussian is quadratic, and fitting a quadratic critic is convex."""
    covariance = torch.tensor([[1, RHO], [RHO, 1]], dtype=torch.float64)
    z = torch.randn(20_000, 2, dtype=torch.float64) @ torch.linalg.cholesky(covariance).T
    shuffled = shuffle(z, random=dice(batch=len(z)))
    weights = torch.zeros(4, 2, dtype=torch.float64, requires_grad=True)

    def logits(v):
        return torch.stack([v[:, 0] ** 2, v[:, 1] ** 2, v[:, 0] * v[:, 1], torch.ones(len(v)).to(v)], 1) @ weights

    optimizer = torch.optim.LBFGS([weights], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = tell_shuffled(logits(z), logits(shuffled))
        loss.backward()
        return loss

    optimizer.step(closure)
    assert ratio(logits(z)).item() == pytest.approx(-0.5 * math.log(1 - RHO**2), rel=0.08)


def test_the_best_critic_tells_the_total_correlation(dice):
    check_the_best_critic_tells_the_total_correlation(dice)


@pytest.mark.parametrize("broken", [{"shuffle": together}, {"ratio": lambda logits: -density_ratio(logits)}],
                         ids=["joint permutation", "flipped sign"])
def test_a_broken_game_does_not(dice, broken):
    with pytest.raises(AssertionError):
        check_the_best_critic_tells_the_total_correlation(dice, **broken)


# -- the recipes -------------------------------------------------------------------------------------------------------


RECIPES = ("factor-vae-shapes", "factor-vae-shapes-two-batches")


class Watched(Players):
    """The engine's players, and which networks each one's update moved."""

    def update(self, turn: Turn, gradients: TurnGradients, step: int) -> None:
        before = copy.deepcopy(self.method.modules)
        super().update(turn, gradients, step)
        self.moved[turn.player] = {n for n, net in self.method.modules.items() if any(
            not torch.equal(a, b) for a, b in zip(net.parameters(), before[n].parameters(), strict=True))}


def game(name: str) -> Watched:
    recipe = load_recipe(name, ["data.batch=2", "data.source.size=16", "data.workers=0"])
    data = open_data(recipe.data)
    players = Watched(build_method(recipe, data.facts), data.batch, torch.device("cpu"))
    players.moved = {}
    return players


@pytest.mark.parametrize("name", RECIPES)
def test_the_losses_train_what_they_should(name):
    players = game(name)
    assert gradients_reach(players.method) == {
        "vae": {"rebuild": ["encoder", "generator"], "prior": ["encoder"], "independence": ["encoder"]},
        "critic": {"tell": ["critic"]}}
    assert forwards(players.method)["encoder"] == (2 if "two" in name else 1)


@pytest.mark.parametrize("name", RECIPES)
def test_nobody_moves_the_others_networks(name):
    players = game(name)
    told = players.step(0).numbers()
    assert players.moved == {"vae": {"encoder", "generator"}, "critic": {"critic"}}
    assert told["critic/tell"] == pytest.approx(math.log(2), abs=0.05)          # it knows nothing yet


@pytest.mark.parametrize(("player", "network"), [("vae", "critic"), ("critic", "encoder")])
def test_a_leak_is_seen(player, network, monkeypatch):
    update = Players.update

    def leaking(self, turn, gradients, step):
        update(self, turn, gradients, step)
        if turn.player == player:
            with torch.no_grad():
                next(self.method.modules[network].parameters()).mul_(1.01)

    monkeypatch.setattr(Players, "update", leaking)
    with pytest.raises(AssertionError):
        test_nobody_moves_the_others_networks(RECIPES[0])


def test_what_is_shuffled_is_of_the_same_batch_or_of_a_second_one():
    same, second = (game(name).method.recipe for name in RECIPES)
    assert list(same.data.draw) == ["x"]
    assert list(second.data.draw) == ["x", "x2"]
    assert same.flow["shuffled",].text == "permute_dims(z)"
    assert second.flow["shuffled",].text == "permute_dims(sample(encoder(x2)))"
