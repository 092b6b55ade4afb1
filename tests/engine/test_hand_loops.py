"""The engine against plainly hand-written loops: parameters after 20 steps, and the number of forwards."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unbraid.data import open_data
from unbraid.engine import Players, forwards
from unbraid.model import build_method
from unbraid.values import Code, Noise, mix
from unbraid_configs import make_recipe

STEPS = 20
BATCH = 6

BASE: dict[str, Any] = {
    "data": {"source": {"type": "sprites", "size": 8, "count": 60}, "draw": {"x1, x2": {}}, "batch": BATCH},
    "code": {"chunk": "3 x 4"},
    "networks": {
        "encoder": {"type": "mlp_encoder", "hidden": [16]},
        "generator": {"type": "mlp_generator", "hidden": [16]},
        "critic": {"type": "mlp_critic", "hidden": [16]},
    },
    "train": {"steps": STEPS, "optimizer": {"type": "adam", "lr": "1.0e-3", "betas": [0.5, 0.999]}},
}
CRITIC = {"trains": "critic", "minimizes": {"realism": "gan.tell_apart(critic(x1), critic(x3))"}}
MIXED = {"f1": "encoder(x1)", "f2": "encoder(x2)", "mask": "mixing.random_mask()",
         "x3": "generator(mix(f1, f2, mask))"}


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


class Hand:
    """What a hand-written loop needs: networks, optimizers, batches and noise like the engine's."""

    def __init__(self, players: Players) -> None:
        m = players.method
        self.players, self.recipe = players, m.recipe
        self.nets = copy.deepcopy(m.modules)
        for net in self.nets.values():
            net.requires_grad_(True)
        self.counts: Counter[str] = Counter()
        for name, net in self.nets.items():
            net.register_forward_hook(lambda *_, name=name: self.counts.update([name]))
        self.optimizers = {name: torch.optim.Adam([w for n in p.trains for w in self.nets[n].parameters()], lr=1e-3,
                                                  betas=(0.5, 0.999), fused=True)
                           for name, p in m.recipe.players.items()}
        self.layout = m.layout

    def __getattr__(self, name: str) -> nn.Module:
        return self.nets[name]

    def draws(self, step: int, round_: int = 0) -> list[Tensor]:
        drawn = self.players.batch(step, round_, frozenset([("x1", None), ("x2", None)]))
        return [drawn["x1", None].double(), drawn["x2", None].double()]

    def noise(self, name: str, step: int, round_: int = 0) -> Any:
        return Noise(0, torch.device("cpu"), batch=BATCH, step=step, round=round_, dtype=torch.float64).at(name)

    def mask(self, step: int, round_: int = 0) -> Tensor:
        random = self.noise("mask/mixing.random_mask.1", step, round_)
        return (random.uniform(BATCH, 3) < 0.5).double()

    def mix(self, a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
        return mix(Code(a, self.layout), Code(b, self.layout), mask).tensor

    def move(self, player: str, loss: Tensor) -> None:
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[player].step()


def tell_apart(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def fool(fake: Tensor) -> Tensor:
    return F.softplus(-fake).mean()


def engine(recipe: dict[str, Any]) -> Players:
    r = make_recipe({**BASE, **recipe})
    data = open_data(r.data)
    return Players(build_method(r, data.facts), data.batch, torch.device("cpu"))


def compare(recipe: dict[str, Any], loop: Callable[[Hand, int], None], *, steps: int = STEPS,
            tolerance: float = 1e-12) -> tuple[Players, Hand]:
    """Run the engine and the loop side by side and compare all parameters."""
    players = engine(recipe)
    hand = Hand(players)
    calls: Counter[str] = Counter()
    for name, net in players.method.modules.items():
        net.register_forward_hook(lambda *_, name=name: calls.update([name]))
    before = {n: [w.clone() for w in net.parameters()] for n, net in players.method.modules.items()}
    for step in range(steps):
        players.step(step)
    for step in range(steps):
        loop(hand, step)
    for name, net in players.method.modules.items():
        for a, b, old in zip(net.parameters(), hand.nets[name].parameters(), before[name], strict=True):
            assert (a - b).abs().max() <= tolerance, name
            assert not torch.equal(a, old), f"{name} did not move"
    assert calls == hand.counts
    return players, hand


MIXING = {
    "networks": {**BASE["networks"], "classifier": {"type": "mlp", "out": 3, "hidden": [16]}},
    "flow": {**MIXED, "x4": "generator(mix(encoder(x3), f1, mask))"},
    "players": {
        "critic": CRITIC,
        "autoencoder": {"trains": ["encoder", "generator", "classifier"], "minimizes": {
            "cycle": "10 * mse(x4, x1)", "rebuild": "10 * mse(generator(f2), x2)",
            "realism": "gan.fool(critic(x3))",
            "chunks": "binary_cross_entropy(classifier(x1, x2, x3), mask)"}}},
}


def mixing_losses(h: Hand, step: int, f1: Tensor, f2: Tensor, x3: Tensor) -> Tensor:
    x1, x2 = h.draws(step)
    mask = h.mask(step)
    x4 = h.generator(h.mix(h.encoder(x3), f1, mask))
    chunks = F.binary_cross_entropy_with_logits(h.classifier(x1, x2, x3), mask)
    return 10 * F.mse_loss(x4, x1) + 10 * F.mse_loss(h.generator(f2), x2) + fool(h.critic(x3)) + chunks


def mixing_loop(h: Hand, step: int) -> None:
    x1, x2 = h.draws(step)
    f1, f2 = h.encoder(x1), h.encoder(x2)
    x3 = h.generator(h.mix(f1, f2, h.mask(step)))
    h.move("critic", tell_apart(h.critic(x1), h.critic(x3.detach())))
    h.move("autoencoder", mixing_losses(h, step, f1, f2, x3))


def test_mixing_equals_its_loop_with_ten_forwards_per_step() -> None:
    players, hand = compare(MIXING, mixing_loop)
    assert sum(hand.counts.values()) == 10 * STEPS
    assert forwards(players.method) == {"critic": 3, "encoder": 3, "generator": 3, "classifier": 1}


def test_a_three_player_game() -> None:
    recipe = {**MIXING, "players": {**MIXING["players"]}}
    autoencoder = recipe["players"]["autoencoder"]
    recipe["players"] = {
        "critic": CRITIC,
        "autoencoder": {"trains": ["encoder", "generator"], "minimizes": autoencoder["minimizes"]},
        "classifier": {"trains": "classifier", "minimizes": {
            "chunks": "binary_cross_entropy(classifier(x1, x2, x3), mask)"}},
    }

    def loop(h: Hand, step: int) -> None:
        x1, x2 = h.draws(step)
        f1, f2 = h.encoder(x1), h.encoder(x2)
        x3 = h.generator(h.mix(f1, f2, h.mask(step)))
        h.move("critic", tell_apart(h.critic(x1), h.critic(x3.detach())))
        h.move("autoencoder", mixing_losses(h, step, f1, f2, x3))
        with torch.no_grad():
            x3 = h.generator(h.mix(h.encoder(x1), h.encoder(x2), h.mask(step)))
        h.move("classifier", F.binary_cross_entropy_with_logits(h.classifier(x1, x2, x3), h.mask(step)))

    compare(recipe, loop)


def test_two_players_train_one_network() -> None:
    recipe = {
        "flow": {"f1": "encoder(x1)", "f2": "encoder(x2)"},
        "networks": {"encoder": BASE["networks"]["encoder"], "generator": BASE["networks"]["generator"]},
        "players": {
            "first": {"trains": ["encoder", "generator"], "minimizes": {"rebuild": "mse(generator(f1), x1)"}},
            "second": {"trains": "encoder", "minimizes": {"rebuild": "mse(generator(f1), x1)",
                                                          "near": "0.1 * mse(f1, f2)"}}},
    }

    def loop(h: Hand, step: int) -> None:
        x1, x2 = h.draws(step)
        h.move("first", F.mse_loss(h.generator(h.encoder(x1)), x1))
        f1 = h.encoder(x1)
        h.move("second", F.mse_loss(h.generator(f1), x1) + 0.1 * F.mse_loss(f1, h.encoder(x2)))

    compare(recipe, loop)


def test_turns_open_rounds_with_their_own_batch_and_noise() -> None:
    recipe = {"flow": MIXED, "players": {
        "critic": {**CRITIC, "turns": 3},
        "autoencoder": {"trains": ["encoder", "generator"], "minimizes": {
            "realism": "gan.fool(critic(x3))", "rebuild": "mse(generator(f1), x1)"}}}}

    def loop(h: Hand, step: int) -> None:
        for turn in range(3):
            x1, x2 = h.draws(step, turn)
            f1 = h.encoder(x1)
            x3 = h.generator(h.mix(f1, h.encoder(x2), h.mask(step, turn)))
            h.move("critic", tell_apart(h.critic(x1), h.critic(x3.detach())))
        h.move("autoencoder", fool(h.critic(x3)) + F.mse_loss(h.generator(f1), x1))

    compare(recipe, loop)


def test_moves_together_evaluates_all_losses_before_any_update() -> None:
    recipe = {"flow": MIXED, "train": {**BASE["train"], "moves": "together"}, "players": {
        "autoencoder": {"trains": ["encoder", "generator"], "minimizes": {
            "rebuild": "mse(generator(f1), x1)", "realism": "gan.fool(critic(x3))"}},
        "critic": CRITIC}}

    def loop(h: Hand, step: int) -> None:
        x1, x2 = h.draws(step)
        f1 = h.encoder(x1)
        x3 = h.generator(h.mix(f1, h.encoder(x2), h.mask(step)))
        own = F.mse_loss(h.generator(f1), x1) + fool(h.critic(x3))
        theirs = tell_apart(h.critic(x1), h.critic(x3.detach()))
        own_weights = [w for n in ("encoder", "generator") for w in h.nets[n].parameters()]
        gradients = torch.autograd.grad(own, own_weights)
        critic_gradients = torch.autograd.grad(theirs, list(h.critic.parameters()))
        for w, g in zip([*own_weights, *h.critic.parameters()], [*gradients, *critic_gradients], strict=True):
            w.grad = g
        h.optimizers["autoencoder"].step()
        h.optimizers["critic"].step()

    compare(recipe, loop)


@pytest.mark.parametrize("threshold", [0.8, 0.5, 0.3])
def test_a_gate_that_closes_on_some_steps(threshold: float) -> None:
    recipe = {"flow": MIXED, "players": {
        "critic": {**CRITIC, "when": f"gan.accuracy(critic(x1), critic(x3)) < {threshold}"},
        "autoencoder": {"trains": ["encoder", "generator"], "minimizes": {
            "rebuild": "mse(generator(f1), x1)", "realism": "gan.fool(critic(x3))"}}}}
    played: list[bool] = []

    def loop(h: Hand, step: int) -> None:
        x1, x2 = h.draws(step)
        f1 = h.encoder(x1)
        x3 = h.generator(h.mix(f1, h.encoder(x2), h.mask(step)))
        real, fake = h.critic(x1), h.critic(x3.detach())
        accuracy = 0.5 * ((real > 0).double().mean() + (fake < 0).double().mean())
        played.append(bool(accuracy < threshold))
        if played[-1]:
            h.move("critic", tell_apart(real, fake))
        h.move("autoencoder", F.mse_loss(h.generator(f1), x1) + fool(h.critic(x3)))

    players = engine(recipe)
    hand = Hand(players)
    decisions = [players.step(step).outcomes[0][1] == "updated" for step in range(STEPS)]
    for step in range(STEPS):
        loop(hand, step)
    assert decisions == played
    for name, net in players.method.modules.items():
        for a, b in zip(net.parameters(), hand.nets[name].parameters(), strict=True):
            assert (a - b).abs().max() <= 1e-12, name
    if threshold == 0.5:
        assert 0 < sum(played) < STEPS, "the gate should open on some steps and close on others"


def test_two_stages() -> None:
    recipe = {"flow": MIXED, "players": {
        "first": {"trains": ["encoder", "generator"], "until_step": 12,
                  "minimizes": {"rebuild": "mse(generator(f1), x1)"}},
        "second": {"trains": "critic", "from_step": 8, "minimizes": CRITIC["minimizes"]}}}

    def loop(h: Hand, step: int) -> None:
        x1, x2 = h.draws(step)
        if step < 12:
            h.move("first", F.mse_loss(h.generator(h.encoder(x1)), x1))
        if step >= 8:
            with torch.no_grad():
                x3 = h.generator(h.mix(h.encoder(x1), h.encoder(x2), h.mask(step)))
            h.move("second", tell_apart(h.critic(x1), h.critic(x3)))

    players, _ = compare(recipe, loop)
    assert players.method.modules["critic"].training
    assert not players.method.modules["encoder"].training, "a finished network is at rest"


def test_weights_schedules_and_learning_rates_follow_the_step() -> None:
    recipe = {"flow": MIXED, "weights": {"alpha": "2 * ramp(0, 1, over=10)"},
              "networks": {n: BASE["networks"][n] for n in ("encoder", "generator")},
              "players": {"autoencoder": {
                  "trains": ["encoder", "generator"],
                  "optimizer": {"type": "adam", "lr": "1.0e-3 * decay(by=0.5, every=5)", "betas": [0.5, 0.999]},
                  "minimizes": {"rebuild": "mse(generator(f1), x1)", "late": "0.5 * after(7) * every(2) * mse(x3, x2)",
                                "grows": "alpha * mse(generator(f2), x2)"}}}}

    def loop(h: Hand, step: int) -> None:
        x1, x2 = h.draws(step)
        f1, f2 = h.encoder(x1), h.encoder(x2)
        loss = F.mse_loss(h.generator(f1), x1)
        if step >= 7 and step % 2 == 0:
            loss = loss + 0.5 * F.mse_loss(h.generator(h.mix(f1, f2, h.mask(step))), x2)
        if step > 0:
            loss = loss + 2 * min(step / 10, 1) * F.mse_loss(h.generator(f2), x2)
        for group in h.optimizers["autoencoder"].param_groups:
            group["lr"] = 1e-3 * 0.5 ** (step // 5)
        h.move("autoencoder", loss)

    players = engine(recipe)
    hand = Hand(players)
    for step in range(STEPS):
        players.step(step)
        loop(hand, step)
    for name, net in players.method.modules.items():
        for a, b in zip(net.parameters(), hand.nets[name].parameters(), strict=True):
            assert (a - b).abs().max() <= 1e-12, name


def test_a_clipped_gradient_keeps_its_direction() -> None:
    recipe = {"flow": MIXED, "networks": {n: BASE["networks"][n] for n in ("encoder", "generator")},
              "players": {"autoencoder": {"trains": ["encoder", "generator"], "clip": 0.05,
                                          "optimizer": {"type": "sgd", "lr": 0.1},
                                          "minimizes": {"rebuild": "100 * mse(generator(f1), x1)"}}}}
    players = engine(recipe)
    hand = Hand(players)
    weights = [w for n in ("encoder", "generator") for w in hand.nets[n].parameters()]
    sgd = torch.optim.SGD(weights, lr=0.1)
    for step in range(STEPS):
        players.step(step)
        x1, _ = hand.draws(step)
        sgd.zero_grad()
        (100 * F.mse_loss(hand.generator(hand.encoder(x1)), x1)).backward()
        assert nn.utils.clip_grad_norm_(weights, 0.05) > 0.05, "there is something to clip"
        sgd.step()
    for name, net in players.method.modules.items():
        for a, b in zip(net.parameters(), hand.nets[name].parameters(), strict=True):
            assert (a - b).abs().max() <= 1e-12, name


def test_accumulated_rounds_equal_the_mean_of_their_gradients() -> None:
    recipe = {"flow": MIXED, "networks": {n: BASE["networks"][n] for n in ("encoder", "generator")},
              "train": {**BASE["train"], "accumulate": 3}, "players": {
                  "autoencoder": {"trains": ["encoder", "generator"], "minimizes": {
                      "rebuild": "mse(generator(f1), x1)", "mixed": "mse(x3, x2)"}}}}
    r = make_recipe({**BASE, **recipe})
    data = open_data(r.data)
    players = Players(build_method(r, data.facts), data.batch, torch.device("cpu"), accumulate=3)
    hand = Hand(players)
    for step in range(STEPS):
        players.step(step)
        loss = torch.zeros(())
        for part in range(3):
            x1, x2 = hand.draws(3 * step + part)
            f1, f2 = hand.encoder(x1), hand.encoder(x2)
            x3 = hand.generator(hand.mix(f1, f2, hand.mask(3 * step + part)))
            loss = loss + (F.mse_loss(hand.generator(f1), x1) + F.mse_loss(x3, x2)) / 3
        hand.move("autoencoder", loss)
    for name, net in players.method.modules.items():
        for a, b in zip(net.parameters(), hand.nets[name].parameters(), strict=True):
            assert (a - b).abs().max() <= 1e-12, name
