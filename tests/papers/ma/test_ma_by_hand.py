"""Both stages of Ma et al. as the paper's equations in a plain loop, and a resume across the change of stage."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from by_hand import Hand, differences, players_of
from narrow_recipes import undrawn
from people import people
from small_runs import assert_equal, tensors
from torch import Tensor
from torch.nn import functional as F
from two_stages import CODE, FIRST, SMALL, second, stage_one

from unbraid.data import open_data
from unbraid.engine import Players, train
from unbraid.model import build_method, load_pretrained, with_pretrained
from unbraid.values import Noise
from unbraid_configs import make_recipe


def yes(score: Tensor) -> Tensor:
    return -F.logsigmoid(score).mean()


def no(score: Tensor) -> Tensor:
    return -F.logsigmoid(-score).mean()


@pytest.mark.usefixtures("double_precision")
def test_stage_one(tmp_path: Path) -> None:
    data = {"source": {"path": str(people(tmp_path)), "size": None}, "split_by": None}
    recipe = {**FIRST, "data": data, "weights": {"pixels": 40}}    # the paper's 20

    def loop(h: Hand, step: int) -> None:
        x, joints = h.draw(step, "x"), h.draw(step, "x", "joints")
        seen = h.skeleton(joints).parts
        features, mask = h.stem(x), seen["mask"]
        foreground = h.part_encoder(features * mask, seen["boxes"], seen["visible"])
        background = h.background_encoder(features * (1 - mask))
        y = h.generator(torch.cat([foreground, background], 1), seen["maps"])
        h.move("critic", 0.5 * (yes(h.critic(x)) + no(h.critic(h.constant(y)))))
        h.move("painter", 20 * (2 * y - 2 * x).abs().mean() + yes(h.critic(y)))
        guess = h.pose_decoder(h.pose_encoder(joints))
        seen_only = torch.cat([joints[..., 2:], joints[..., 2:], torch.ones_like(joints[..., 2:])], -1)
        h.move("pose", 20 * (seen_only * (guess - joints) ** 2).mean())

    players = players_of(recipe, *SMALL)
    start, hand, careless = Hand(players), Hand(players), Hand(players, careless=True)
    for step in range(3):
        players.step(step)
        loop(hand, step)
        loop(careless, step)
    trained = {n for n, net in players.method.modules.items() if any(True for _ in net.parameters())}
    assert max(differences(players, hand).values()) < 1e-9
    assert min(v for n, v in differences(players, start).items() if n in trained) > 1e-5
    assert min(v for n, v in differences(players, careless).items() if n in trained and "pose" not in n) > 1e-6


@pytest.mark.usefixtures("double_precision")
def test_stage_two_in_five_rounds_with_clipped_weights(tmp_path: Path) -> None:
    steep = dict.fromkeys(("steep_foreground", "steep_background", "steep_pose"))
    clip = "clip_weights(critic_foreground, critic_background, critic_pose, limit=0.01)"
    changes = {"players": {"critics": {"then": clip, "minimizes": steep}}}
    recipe = with_pretrained(make_recipe(second(stage_one(tmp_path), changes), [*SMALL, "train.optimizer.eps=1e-8"]))
    data = open_data(recipe.data, seed=recipe.train.seed)
    method = build_method(recipe, data.facts)
    load_pretrained(method)
    players = Players(method, data.batch, torch.device("cpu"), recipe.train.seed)
    start, hand = Hand(players), Hand(players)
    for o in hand.optimizers.values():
        o.param_groups[0].update(betas=recipe.train.optimizer.betas)
    factors = {"foreground": 21, "background": 4, "pose": 5}

    def values(step: int, round_: int) -> dict[str, tuple[Tensor, Tensor]]:
        """The true codes of a round, and those that are made from its noise."""
        drawn = players.batch(step, round_, frozenset(("x", n) for n in factors))
        noise = Noise(0, torch.device("cpu"), batch=4, step=step, round=round_, dtype=torch.float64)
        made = {n: hand.nets[f"map_{n}"](0.2 * noise.at(f"{n}/operations.normal.1").normal(4, size))
                for n, size in factors.items()}
        return {n: (drawn["x", n].double(), made[n]) for n in factors}

    for step in range(2):
        players.step(step)
        for round_ in range(5):
            of = values(step, round_)
            hand.move("critics", sum(hand.nets[f"critic_{n}"](made.detach()).mean()
                                     - hand.nets[f"critic_{n}"](true).mean() for n, (true, made) in of.items()))
            with torch.no_grad():
                for n in factors:
                    for p in hand.nets[f"critic_{n}"].parameters():
                        p.clamp_(-0.01, 0.01)
        hand.move("mappers", sum(-hand.nets[f"critic_{n}"](made).mean() for n, (_, made) in of.items()))
    moved = differences(players, start)
    assert max(differences(players, hand).values()) < 1e-9
    for n, difference in moved.items():
        trained = n.startswith(("map_", "critic_"))
        assert (difference > 1e-5) if trained else (difference == 0), n
    assert sum(p.numel() for n in CODE for p in players.method.modules[f"critic_{n}"].parameters()) > 0


def test_a_resume_in_either_stage_is_an_undisturbed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        folder.mkdir()
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path / "cache"))
    undrawn(monkeypatch)
    one = stage_one(whole, 4)
    stage_one(cut, 2)
    data = {"source": {"path": str(cut / "persons.npz"), "size": None}, "split_by": None}
    resumed = train(make_recipe({**FIRST, "data": data}, [*SMALL, "train.steps=4"]), cut / "one", resume=True)
    assert_equal(tensors(one), tensors(resumed))

    def two(run: Any, steps: int, *, resume: bool = False) -> Any:
        recipe = make_recipe(second(run), [*SMALL, f"train.steps={steps}"])
        return train(recipe, run.folder.parent / "two", resume=resume)

    expected = two(one, 4)
    two(resumed, 2)
    shutil.rmtree(tmp_path / "cache")              # the codes are computed again
    assert_equal(tensors(expected), tensors(two(resumed, 4, resume=True)))
