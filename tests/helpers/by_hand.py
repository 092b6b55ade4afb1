"""What a hand-written loop needs of a bundled recipe: copies of its networks, its batches and its noise."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from unbraid import Label
from unbraid.data import open_data
from unbraid.engine import Players
from unbraid.model import build_method
from unbraid.values import Noise
from unbraid_configs import make_recipe


class Hand:
    """Networks, optimizers, batches and noise like the engine's.

    careless: made images are not held constant in the critics' turn, and gradients stay until their own network moves.
    """

    def __init__(self, players: Players, *, careless: bool = False) -> None:
        m = players.method
        self.players, self.careless = players, careless
        self.nets = copy.deepcopy(m.modules)
        for net in self.nets.values():
            net.requires_grad_(True)
        o = m.recipe.train.optimizer
        self.optimizers = {name: torch.optim.Adam([w for n in p.trains for w in self.nets[n].parameters()],
                                                  lr=float(o.lr.text), betas=o.betas, weight_decay=o.weight_decay)
                           for name, p in m.recipe.players.items()}

    def __getattr__(self, name: str) -> nn.Module:
        return self.nets[name]

    def draw(self, step: int, name: str, field: str | None = None) -> Tensor:
        """A drawn image, or one of its labels as numbers of classes."""
        drawn = self.players.batch(step, 0, frozenset([(name, field)]))[name, field]
        return drawn.index if isinstance(drawn, Label) else drawn.double()

    def normal(self, step: int, line: str, like: Tensor, number: int = 1) -> Tensor:
        """The noise of a `sample` in a line, by its number there."""
        noise = Noise(0, torch.device("cpu"), batch=len(like), step=step, dtype=torch.float64)
        return noise.at(f"{line}/operations.sample.{number}").normal(*like.shape)

    def constant(self, image: Tensor) -> Tensor:
        """An image as the critics should see it."""
        return image if self.careless else image.detach()

    def move(self, player: str, loss: Tensor) -> None:
        """One update."""
        if not self.careless:
            for optimizer in self.optimizers.values():
                optimizer.zero_grad()
        loss.backward(retain_graph=True)
        self.optimizers[player].step()
        self.optimizers[player].zero_grad()


def players_of(recipe: Mapping[str, Any], *overrides: str) -> Players:
    """A recipe's players, at step 0; without dropout, which depends on the order of the calls."""
    r = make_recipe(recipe, overrides)
    data = open_data(r.data, seed=r.train.seed)
    players = Players(build_method(r, data.facts), data.batch, torch.device("cpu"), r.train.seed)
    for module in players.method.modules.values():
        for part in module.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.0
    return players


def differences(players: Players, hand: Hand) -> dict[str, float]:
    """The largest difference between the weights of every network and those of the hand's."""
    return {name: max((float((a - b).detach().abs().max())
                       for a, b in zip(net.parameters(), hand.nets[name].parameters(), strict=True)), default=0.0)
            for name, net in players.method.modules.items()}


def compare(recipe: Mapping[str, Any], overrides: tuple[str, ...], loop: Callable[[Hand, int], None],
            steps: int = 3) -> None:
    """Train by the engine and by the loop: the weights must be equal, and differ from those of a careless loop."""
    players = players_of(recipe, *overrides)
    start, hand, careless = Hand(players), Hand(players), Hand(players, careless=True)
    for step in range(steps):
        players.step(step)
        loop(hand, step)
        loop(careless, step)
    assert max(differences(players, hand).values()) < 1e-9
    assert min(differences(players, start).values()) > 1e-5, "every network should have moved"
    assert min(differences(players, careless).values()) > 1e-5, "gradients that went astray should show"
