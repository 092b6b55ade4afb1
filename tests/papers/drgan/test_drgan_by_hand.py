"""DR-GAN as the paper's equations in a plain loop, both formulations, single images and sets: the same weights.

The gate too: when it closes, the critic's weights stay.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from by_hand import Hand, differences, players_of
from torch import Tensor
from torch.nn import functional as F

from unbraid.engine import Players
from unbraid.values import Noise

NARROW = (*(f"networks.{name}={{width: 2, layers: 1}}" for name in ("encoder", "generator", "critic")),
          "code.identity=6", "code.yaw=3 classes", "code.noise=4 uniform", "flow.noise=uniform(size=4)",
          "data.workers=0", "data.splits={train: 1}")
pytestmark = pytest.mark.usefixtures("double_precision")


def game(people: dict[str, Any], base: str, *overrides: str) -> Players:
    return players_of({"base": base, "data": {"source": people, "batch": 5}}, *NARROW, *overrides)


def noise(step: int, batch: int) -> Noise:
    return Noise(0, torch.device("cpu"), batch=batch, step=step, dtype=torch.float64)


def turned(h: Hand, f: Tensor, pose: Tensor, step: int, people: int) -> Tensor:
    """G(x, c, z): the decoder on f, the pose and noise, which all codes of a person share."""
    z = 2 * noise(step, people).at("noise/operations.uniform.1").uniform(people, 4) - 1
    told = torch.cat([F.one_hot(pose, 3).double(), z], 1).repeat_interleave(len(f) // people, 0)
    return h.generator(torch.cat([f, told], 1))


def heads(h: Hand, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    found = h.critic(x).parts
    return found["score"], found["identity"], found["yaw"]


def strength(real: tuple[Tensor, Tensor, Tensor], fake: Tensor, who: Tensor, yaw: Tensor) -> float:
    """The mean of the critic's four accuracies."""
    right = [(real[1].argmax(1) == who).double().mean(), (real[2].argmax(1) == yaw).double().mean(),
             (real[0] > 0).double().mean(), (fake < 0).double().mean()]
    return float(torch.stack(right).mean())


def single(h: Hand, step: int, *, fake_class: bool = False, ignores: bool = False) -> bool:
    """One step on single images; whether the critic moved."""
    x, who, yaw = h.draw(step, "x"), h.draw(step, "x", "identity"), h.draw(step, "x", "yaw")
    n = len(x)
    pose = noise(step, n).at("pose/operations.random_label.1").integers(3, n)
    fake = turned(h, h.encoder(x), pose, step, n)
    real, seen = heads(h, x), heads(h, h.constant(fake))
    moved = strength(real, seen[0], who, yaw) - (step % 5 == 0) < 0.9
    if moved:
        if fake_class:                                    # N + 1 classes, the last is fake
            told = [torch.cat([ids, ids.logsumexp(1, keepdim=True) - score], 1) for score, ids, _ in (real, seen)]
            loss = F.cross_entropy(told[0], who) + F.cross_entropy(told[1], torch.full((n,), told[1].shape[1] - 1))
        else:
            loss = (F.softplus(-real[0]) + F.softplus(seen[0])).mean() + F.cross_entropy(real[1], who)
        h.move("critic", loss + F.cross_entropy(real[2], yaw))
    score, ids, poses = heads(h, fake)
    if fake_class:
        told = torch.cat([ids, ids.logsumexp(1, keepdim=True) - score], 1)
        loss = F.cross_entropy(told, who)
    else:
        loss = F.softplus(-score).mean() + F.cross_entropy(ids, who)
    h.move("generator", loss + F.cross_entropy(poses, yaw if ignores else pose))
    return moved


def in_sets(h: Hand, step: int, n: int = 3) -> bool:
    """One step on sets of n: n fakes of a person, one of each image's code, and one of the fused code."""
    x = h.players.batch(step, 0, frozenset([("x", None)]))["x", None].folded.double()
    labels = h.players.batch(step, 0, frozenset([("x", "identity"), ("x", "yaw")]))
    who, yaw = (labels["x", name].folded.index for name in ("identity", "yaw"))
    people = len(x) // n
    found = h.encoder(x).parts
    f, w = (t.unflatten(0, (people, n)) for t in (found["identity"].tensor, found["confidence"]))
    last = noise(step, people).at("trust/drgan.up_to.1").integers(n, people)
    w = w * (torch.arange(n) <= last[:, None]).double().unsqueeze(2)
    together = (w * f).sum(1) / w.sum(1)
    codes = torch.cat([f, together.unsqueeze(1)], 1).flatten(0, 1)
    pose = noise(step, people).at("pose/operations.random_label.1").integers(3, people)
    fake = turned(h, codes, pose, step, people)
    real, seen = heads(h, x), heads(h, h.constant(fake))
    first = tuple(t if i else t[::n] for i, t in enumerate(real))
    moved = strength(first, seen[0][::n + 1], who, yaw) - (step % 5 == 0) < 0.9
    if moved:
        h.move("critic", F.softplus(-real[0]).mean() + F.softplus(seen[0]).mean() + F.cross_entropy(real[1], who)
               + F.cross_entropy(real[2], yaw))
    score, ids, poses = heads(h, fake)
    h.move("generator", F.softplus(-score).mean() + F.cross_entropy(ids, who[::n].repeat_interleave(n + 1))
           + F.cross_entropy(poses, pose.repeat_interleave(n + 1)))
    return moved


def compare(players: Players, loop: Any, steps: int = 4) -> list[bool]:
    start, hand, careless = Hand(players), Hand(players), Hand(players, careless=True)
    moved = []
    for step in range(steps):
        players.step(step)
        moved.append(loop(hand, step))
        loop(careless, step)
    assert max(differences(players, hand).values()) < 1e-9
    assert min(differences(players, start).values()) > 1e-5, "every network should have moved"
    assert min(differences(players, careless).values()) > 1e-5, "gradients that went astray should show"
    return moved


def test_drgan(people: dict[str, Any]) -> None:
    assert all(compare(game(people, "drgan"), single))


def test_drgan_with_a_fake_class(people: dict[str, Any]) -> None:
    compare(game(people, "drgan-fake-class"), lambda h, step: single(h, step, fake_class=True))


def test_drgan_on_sets(people: dict[str, Any]) -> None:
    compare(game(people, "drgan-sets", "data.draw.x.count=3"), in_sets)


def test_a_strong_critic_moves_at_every_fifth_step(people: dict[str, Any]) -> None:
    """Strong means here: better than nothing."""
    strong = game(people, "drgan", "players.critic.when=strong - rest < 0.05")
    outcomes = [dict(strong.step(step).outcomes)["critic"] for step in range(11)]
    assert outcomes == (["updated", *["gate closed"] * 4] * 3)[:11]


@pytest.mark.parametrize("broken", [
    ("players.generator.minimizes.pose=cross_entropy(seen.yaw, x.yaw)",),
    ("players.generator.minimizes.identity=-1 * cross_entropy(seen.identity, who)",),
    ("players.critic.minimizes.fake=binary_cross_entropy(seen.score, 1)",),
    ("flow.pose=x.yaw",)], ids=["source pose", "sign", "fakes called real", "no random pose"])
def test_another_game_is_not(people: dict[str, Any], broken: tuple[str, ...]) -> None:
    with pytest.raises(AssertionError):
        compare(game(people, "drgan", *broken), single, steps=2)


def test_a_loop_with_the_source_pose_is_another_game(people: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        compare(game(people, "drgan"), lambda h, step: single(h, step, ignores=True), steps=2)
