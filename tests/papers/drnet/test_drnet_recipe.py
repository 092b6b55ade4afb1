"""DrNet's recipe: both stages against a loop written by hand, resume over their change, and its functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from by_hand import Hand, differences, players_of
from small_runs import assert_equal, tensors
from torch import Tensor
from torch.nn import functional as F

from unbraid import Set, make_recipe, train
from unbraid.data import Data, open_data
from unbraid.engine import gradients_reach
from unbraid.model import Model
from unbraid.values import Noise

STAGE = 3                                          # steps of the first stage
SOURCE = {"type": "moving_sprites", "size": 16, "contents": 3, "paths": 4, "frames": 8}


def recipe(base: str = "drnet", **changes: Any) -> dict[str, Any]:
    return {"base": base, "data": {"source": SOURCE, "batch": 4, "draw": {"film": {"frames": 5}}, "workers": 0},
            "code": {"content": 6, "pose": 3},
            "networks": {"content": {"width": 4}, "pose": {"width": 4}, "generator": {"width": 4},
                         "critic": {"hidden": [8]}, "predictor": {"hidden": 8}},
            "players": {"critic": {"until_step": STAGE}, "autoencoder": {"until_step": STAGE},
                        "predictor": {"from_step": STAGE}},
            "train": {"steps": 2 * STAGE, "checkpoint_every": 1000, "tensorboard": False}, **changes}


# -- the game ----------------------------------------------------------------------------------------------------------


class Loop(Hand):
    """The paper's two algorithms, with skips or without."""

    skips = False

    def content_of(self, x: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
        found = self.content(x)
        return (found.parts["code"].tensor, (found.parts["skips"],)) if self.skips else (found, ())

    def first_stage(self, step: int, *, beta: float = 0.1) -> None:
        x1, x2 = self.draw(step, "x1"), self.draw(step, "x2")
        (c1, skips), (c2, _), p1, p2 = self.content_of(x1), self.content_of(x2), self.pose(x1), self.pose(x2)
        noise = Noise(0, torch.device("cpu"), batch=4, step=step, dtype=torch.float64)
        shift = 1 + int(noise.at("strangers/drnet.shuffle_half.1").integers(3, 1))
        other = torch.stack([p2[(i + shift) % 4] if i % 2 else p2[i] for i in range(4)])
        same = torch.tensor([[1.0], [0.0], [1.0], [0.0]], dtype=torch.float64)
        told = self.critic(self.constant(p1), self.constant(other))
        self.move("critic", F.binary_cross_entropy_with_logits(told, same))
        rebuilt = self.generator(torch.cat([c1, p2], 1), *skips)
        undecided = F.binary_cross_entropy(self.critic(p1, self.constant(p2)).sigmoid(), torch.full_like(same, 0.5))
        self.move("autoencoder", F.mse_loss(rebuilt, x2) + F.mse_loss(c1, self.constant(c2)) + beta * undecided)

    def second_stage(self, step: int) -> None:
        film = self.players.batch(step, 0, frozenset([("film", None)]))["film", None].unfolded().double()
        for name in ("content", "pose"):
            self.nets[name].eval()
        with torch.set_grad_enabled(self.careless):
            content, _ = self.content_of(film[:, 3])                  # the last frame that is seen
            poses = self.pose(film.flatten(0, 1)).unflatten(0, (4, 5))
        made = self.predictor(content, Set.fold(poses[:, :-1])).unfolded().tensor
        self.move("predictor", F.mse_loss(made, poses[:, 1:]))


@pytest.fixture
def double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("base", ["drnet", "drnet-skips"])
def test_both_stages_are_the_papers(base: str) -> None:
    players = players_of(recipe(base))
    start, hand, careless, unopposed = (Loop(players, careless=c) for c in (False, False, True, False))
    for loop in (hand, careless, unopposed):
        loop.skips = base == "drnet-skips"
    for step in range(STAGE + 2):
        players.step(step)
        for loop in (hand, careless, unopposed):
            if step >= STAGE:
                loop.second_stage(step)
            else:
                loop.first_stage(step, beta=0.1 if loop is not unopposed else 0)
    assert max(differences(players, hand).values()) < 1e-9
    assert min(differences(players, start).values()) > 1e-5, "every network should have moved"
    assert min(differences(players, careless).values()) > 1e-5, "gradients that went astray should show"
    assert differences(players, unopposed)["pose"] > 1e-6, "a pose without the critic's gradient should show"
    for name, net in players.method.modules.items():                  # batch norm: of as many forwards
        for a, b in zip(net.buffers(), hand.nets[name].buffers(), strict=True):
            assert torch.allclose(a, b), name


BROKEN = {
    "no adversary": ("weights.beta=0", "pose"),
    "both labels 1": ("players.critic.minimizes.scene=binary_cross_entropy(critic(p1, strangers), 1.0)", "critic"),
    "similarity without a stopped gradient": ("players.autoencoder.minimizes.content=mse(c1, c2)", "content"),
    "content of the pose's frame": ("flow.f=join(c2, p2)", "content"),
    "poses against themselves": ("flow.p1=pose(x2)", "critic"),
    "forecasts of the present": ("players.predictor.minimizes.forecast=mse(next, before_last(poses))", "predictor"),
}


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("how", BROKEN)
def test_another_game_is_not(how: str) -> None:
    override, network = BROKEN[how]
    players = players_of(recipe(), override)
    hand = Loop(players)
    for step in range(STAGE + 1):
        players.step(step)
        if step < STAGE:
            hand.first_stage(step)
        else:
            hand.second_stage(step)
    assert differences(players, hand)[network] > 1e-6


def test_gradients_go_where_the_paper_sends_them() -> None:
    terms = gradients_reach(players_of(recipe()).method)
    assert terms == {"critic": {"scene": ["critic"]}, "predictor": {"forecast": ["predictor"]},
                     "autoencoder": {"rebuild": ["content", "generator", "pose"], "content": ["content"],
                                     "confuse": ["pose"]}}


def test_a_training_that_is_resumed_over_the_change_of_stage_is_the_same(tmp_path: Path) -> None:
    steps = f"train.steps={STAGE + 1}"
    whole = train(make_recipe(recipe(), [steps]), tmp_path / "whole")
    train(make_recipe(recipe(), [f"train.steps={STAGE - 1}"]), tmp_path / "cut")
    again = train(make_recipe(recipe(), [steps]), tmp_path / "cut", resume=True)
    assert_equal(tensors(again), tensors(whole))


# -- the functions -----------------------------------------------------------------------------------------------------


def model(base: str = "drnet", *overrides: str) -> tuple[Model, Data]:
    players = players_of(recipe(base), *overrides)
    for step in range(2):
        players.step(step)
    return Model(players.method, players.method.modules), open_data(players.method.recipe.data)


def test_functions_without_skips_are_made_of_codes() -> None:
    m, data = model()
    x, y = data.images(np.arange(4)), data.images(np.arange(40, 44))
    assert m.code(x).layout.names == ("content", "pose")
    assert m.code(x).tensor.abs().max() < 1
    torch.testing.assert_close(m.analogy(x, y), m.swap(x, y, "pose"))
    torch.testing.assert_close(m.analogy(x, x), m.reconstruct(x))


def test_functions_with_skips_paint_on_the_canvas_of_an_image() -> None:
    m, data = model("drnet-skips")
    x, y = data.images(np.arange(4)), data.images(np.arange(40, 44))
    f = m.encode(x)
    assert f.layout.names == ("content", "pose")
    torch.testing.assert_close(m.decode(m.encode(y).replace(content=f.content), x), m.analogy(x, y))
    assert not torch.allclose(m.decode(f, x), m.decode(f, y))         # the canvas matters


@pytest.mark.parametrize("base", ["drnet", "drnet-skips"])
def test_a_clip_goes_on_frame_by_frame(base: str) -> None:
    m, data = model(base, "functions.predict(seen)=paint(scene, rollout(predictor, scene, pose(seen), horizon=3))")
    clip = data.images(np.arange(8)).unsqueeze(0)                     # the first clip, (1, 8, C, H, W)
    short = m.predict(Set.fold(clip[:, :4]))
    assert short.count == 3
    made = short.unfolded()
    assert made.shape == (1, 3, 3, 16, 16)
    longer = m.predict(Set.fold(clip))                                # of as many frames as there are
    assert longer.unfolded().shape == made.shape
    nets = m.modules
    with torch.no_grad():                                             # by hand, the inner state kept
        seen = clip[0, :4]
        found = nets["content"](seen[3:])
        content = found if base == "drnet" else found.parts["code"].tensor
        skips = () if base == "drnet" else (found.parts["skips"],)
        net, state, poses, pose = nets["predictor"], None, nets["pose"](seen), content
        for i in range(6):
            given = poses[i:i + 1] if i < 4 else pose
            hidden, state = net.lstm(net.first(torch.cat([content, given], 1)).unsqueeze(1), state)
            pose = net.last(hidden[:, 0]).tanh()
            if i >= 3:
                torch.testing.assert_close(nets["generator"](torch.cat([content, pose], 1), *skips)[0], made[0, i - 3],
                                           atol=1e-5, rtol=1e-4)
