"""Cuts where it hurts: between two turns, inside an epoch and at its border, while everything is on the move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cutting import CutError, cut_at
from PIL import Image
from small_runs import RECIPE, assert_equal, recipe, tensors

from unbraid.engine import train
from unbraid.runs import Run, checkpoint

QUICK = ("train.steps=8", "train.log_every=1", "train.checkpoint_every=2", "train.picture_every=100")
PLAYERS: dict[str, Any] = RECIPE["players"]


def assert_cut_is_whole(make: Any, tmp_path: Path, step: int, move: int) -> Run:
    """The training that is cut there is the undisturbed one, which is returned."""
    whole = train(make, tmp_path / "whole")
    with pytest.MonkeyPatch.context() as cutting:
        cut_at(cutting, step, move)
        with pytest.raises(CutError):
            train(make, tmp_path / "cut")
    assert max(checkpoint.steps(tmp_path / "cut" / "checkpoints")) == step - step % 2
    cut = train(make, tmp_path / "cut", resume=True)
    assert_equal(tensors(whole), tensors(cut))
    assert whole.metrics() == cut.metrics()
    return whole


def player(name: str, **changes: Any) -> dict[str, Any]:
    return {"players": {**PLAYERS, name: {**PLAYERS[name], **changes}}}


def network(**more: Any) -> dict[str, Any]:
    return {"networks": {**RECIPE["networks"], **more}}


def terms(name: str, **more: str) -> dict[str, Any]:
    return player(name, minimizes={**PLAYERS[name]["minimizes"], **more})


DECAYING = {"type": "adam", "lr": "1.0e-3 * decay(by=0.5, every=3) * cosine(over=9)"}
POOLED = {**network(pool={"type": "image_pool", "size": 6}), **terms("critic", realism="gan.tell_apart(critic(x1), "
                                                                       "critic(pool(x3)))")}
STAGES = {"players": {"critic": {**PLAYERS["critic"], "until_step": 6}, "autoencoder": {
    **PLAYERS["autoencoder"], "turns": 2}, "late": {"trains": "encoder", "from_step": 5, "minimizes": {
        "rebuild": "mse(generator(f1), x1)"}}}}
GATED = player("critic", when="mse(x3, x1) > 0.05 * after(3)")
MOVING: dict[str, tuple[dict[str, Any], list[str]]] = {
    "schedules": ({**terms("autoencoder", rebuild="ramp(1, 10, over=7) * mse(generator(f1), x1)")},
                  ["train.optimizer=" + str(DECAYING).replace("'", '"')]),
    "averaged weights": ({}, ["train.average=0.9"]),
    "an average as a network": ({**network(slow={"type": "average", "of": "encoder", "decay": 0.8}),
                                 **terms("autoencoder", steady="mse(encoder(x1), slow(x1))")}, []),
    "a pool of images": (POOLED, []),
    "a lazy penalty": (terms("critic", slope="every(3) * r1(critic, x1)"), []),
    "a random penalty": (terms("critic", slope="gradient_penalty(critic, x1, x3)"), []),
    "a gate": (GATED, []),
    "stages and turns": (STAGES, []),
    "all at once": ({}, ["train.moves=together"]),
    "accumulated": ({}, ["train.accumulate=3"]),
    "clipped momentum": (player("critic", clip=0.5, optimizer={"type": "sgd", "lr": 0.01, "momentum": 0.9}), []),
    "rmsprop": ({}, ["train.optimizer.type=rmsprop"]),
}


@pytest.mark.parametrize("what", MOVING)
def test_a_cut_between_two_turns_while_it_moves(what: str, tmp_path: Path) -> None:
    changes, overrides = MOVING[what]
    assert_cut_is_whole(recipe(*QUICK, *overrides, **changes), tmp_path, step=5, move=1)


def test_a_capacity_that_grows(tmp_path: Path) -> None:
    networks = {"encoder": {"type": "mlp_encoder", "hidden": [8], "gaussian": True},
                "generator": {"type": "mlp_generator", "hidden": [8]}}
    players = {"vae": {"trains": ["encoder", "generator"], "minimizes": {
        "rebuild": "mse(y, x1)", "prior": "vae.annealed_kl(q, gamma=10, capacity=ramp(0, 25, over=9))"}}}
    whole = assert_cut_is_whole(recipe(*QUICK, networks=networks, players=players, watch={}, flow={
        "q": "encoder(x1)", "y": "generator(sample(q))"}, functions={}), tmp_path, step=5, move=0)
    assert len({m["vae/prior"] for m in whole.metrics()}) == 8


@pytest.mark.parametrize("step", [4, 5, 6, 7])
def test_cuts_around_an_epochs_border(step: int, tmp_path: Path) -> None:
    data = {**RECIPE["data"], "batch": 3, "source": {"type": "sprites", "size": 8, "count": 20}}
    make = recipe(*QUICK, data=data)               # 18 images to train on: an epoch of x1 is six steps
    assert_cut_is_whole(make, tmp_path, step, move=0)


@pytest.mark.parametrize("resumed_with", [0, 3])
def test_workers_that_read_ahead(resumed_with: int, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    for i in range(20):
        Image.fromarray(numbers.integers(0, 255, (9, 8, 3), np.uint8)).save(tmp_path / "pictures" / f"{i}.png")
    source = {"type": "folder", "path": str(tmp_path / "pictures"), "size": 8, "check": "headers"}

    def with_workers(n: int) -> Any:
        return recipe(*QUICK, data={**RECIPE["data"], "workers": n, "source": source})

    whole = assert_cut_is_whole(with_workers(2), tmp_path, step=5, move=1)
    run = train(with_workers(resumed_with), tmp_path / "other")
    assert_equal(tensors(whole), tensors(run))
