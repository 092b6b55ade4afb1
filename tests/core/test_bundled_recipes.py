"""Every bundled recipe trains, and goes on exactly where it stopped: after N + N steps and after a kill -9."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unbraid import checkpoint
from unbraid.engine import train
from unbraid.record import Run
from unbraid_configs import bundled_recipes, load_recipe

SMALL = ("data.batch=2", "data.workers=2", "train.log_every=1", "train.picture_every=1000", "train.tensorboard=false",
         "train.keep=1")
STAGES = ("players.critic.until_step=1", "players.generator.until_step=1", "players.encoder.from_step=1")
SHAPES = (*(f"networks.{name}.width=4" for name in ("generator", "critic", "encoder")), "networks.generator.points=9",
          "networks.render.backend=torch", *STAGES)      # OpenGL rounds otherwise than torch, which is everywhere
FRONTS = tuple(f"networks.{piece}_{side}.width=4" for piece in ("front", "look") for side in "ab")
NARROWER = {                                       # by the beginning of a name, the first that fits
    "unit-adaptation": ("code.content=32", *FRONTS),
    "unit-mixing": ("code.chunk=4 x 4", "networks.classifier.width=4", *FRONTS),
    "unit": ("code.content=16", *FRONTS), "source-only": ("networks.look.width=4",),
    "challenges": tuple(f"networks.{name}.width=6" for name in ("encoder", "generator", "critic")),
    **{f"shape3d{data}{size}": SHAPES for data in ("-objects", "-faces", "") for size in ("-small", "")}}
FORKING = multiprocessing.get_context("forkserver")                  # torch is imported once for all that are killed
FORKING.set_forkserver_preload(["unbraid.engine", "unbraid_configs"])


@pytest.fixture(scope="module", autouse=True)
def own_data(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Small data in place of what the recipes' environment variables stand for."""
    folder, random_ = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    colour = random_.integers(0, 255, (24, 64, 64, 3), dtype=np.uint8)
    labels = np.arange(24) % 4
    for i, label in enumerate(labels):
        kind = folder / f"kind {label}"
        kind.mkdir(exist_ok=True)
        Image.fromarray(random_.integers(0, 255, (70, 80, 3), dtype=np.uint8)).save(kind / f"{i}.png")
    np.savez(folder / "lpc.npz", images=colour, factors=np.stack([labels, labels % 2, *[labels // 2] * 5], 1),
             factor_names=np.array(["skin", "direction", "gender", "hair_style", "hair_colour", "torso", "legs"]),
             values__direction=np.array(["down", "up"]), values__torso=np.array(["leather", "plate"]))
    np.savez(folder / "objects.npz", images=colour, mesh=labels, category=labels)
    np.savez(folder / "omniglot.npz", images=colour[:, :35, :35, 0], character=labels)
    np.savez(folder / "digits.npz", images=colour[:, :28, :28, 0], labels=labels)
    np.savez(folder / "dsprites.npz", images=(colour[..., 0] > 128).astype(np.uint8),
             latents_classes=labels[:, None], latents_names=np.array(["shape"]))
    files = {"UNBRAID_LPC": "lpc.npz", "UNBRAID_MNIST": "digits.npz", "UNBRAID_USPS": "digits.npz",
             "UNBRAID_DSPRITES": "dsprites.npz", "UNBRAID_OBJECTS": "objects.npz", "UNBRAID_FACES": "objects.npz",
             "UNBRAID_OMNIGLOT": "omniglot.npz", "UNBRAID_DATA": "", "UNBRAID_DATA_A": "kind 0",
             "UNBRAID_DATA_B": "kind 1"}
    os.environ |= {variable: str(folder / name) for variable, name in files.items()}


def run(name: str, out: Path, steps: int, *, resume: bool = False, every: int = 1) -> Run:
    narrower = next((changes for family, changes in NARROWER.items() if name.startswith(family)), ())
    recipe = load_recipe(name, [*SMALL, *narrower, f"train.steps={steps}", f"train.checkpoint_every={every}"])
    return train(recipe, out, resume=resume)


def tensors(run_: Run) -> dict[str, torch.Tensor]:
    path = run_.last_checkpoint()
    assert path is not None
    return checkpoint.flat(checkpoint.read(path).groups)


def assert_equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(a[name], b[name]), name


@pytest.mark.parametrize("name", bundled_recipes())
def test_two_and_two_steps_are_four(name: str, tmp_path: Path) -> None:
    whole = run(name, tmp_path / "whole", 4)
    run(name, tmp_path / "cut", 2)
    cut = run(name, tmp_path / "cut", 4, resume=True)
    assert_equal(tensors(whole), tensors(cut))
    assert [m["step"] for m in whole.metrics()] == [m["step"] for m in cut.metrics()] == [1, 2, 3, 4]
    assert whole.metrics() == cut.metrics()
    assert all(np.isfinite(v) for m in whole.metrics() for v in m.values())


def train_on_and_on(name: str, out: Path, environment: dict[str, str]) -> None:
    os.environ |= environment
    torch.set_num_threads(1)
    run(name, out, 1000)


@pytest.mark.parametrize("name", bundled_recipes())
def test_a_kill_at_a_random_moment_loses_nothing(name: str, tmp_path: Path) -> None:
    killed = Run(tmp_path / "killed")
    process = FORKING.Process(target=train_on_and_on, args=(name, killed.folder, dict(os.environ)))
    process.start()
    deadline = time.monotonic() + 120
    while not checkpoint.steps(killed.checkpoints) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(random.Random(name + str(os.getpid())).uniform(0, 0.5))
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    reached = max(checkpoint.steps(killed.checkpoints))
    again = run(name, killed.folder, reached + 2, resume=True, every=1000)
    assert_equal(tensors(run(name, tmp_path / "whole", reached + 2, every=1000)), tensors(again))
