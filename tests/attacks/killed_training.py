"""Kills a training again and again at random moments, goes on with it until it is finished, and begins anew.

    python tests/attacks/killed_training.py --rounds 1000

What is left after a kill must be that of the training that nobody disturbed, bit for bit: every checkpoint and every
logged step, and at the end all of them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from random import Random

import attrs
import torch
from PIL import Image
from rounds import in_rounds

import unbraid_plugins.tools.tensorboard.events
from unbraid.engine import Training, train
from unbraid.runs import Run, checkpoint
from unbraid_configs import Recipe, load_recipe
from unbraid_plugins.tools.figure import figure_image

HERE = Path(__file__).parent
WHOLE = ("train.steps=48", "train.log_every=1", "train.checkpoint_every=4", "train.picture_every=16",
         "train.tensorboard=true", "train.average=0.9", "train.keep_best=autoencoder/rebuild", "data.workers=1")
Tensors = dict[str, torch.Tensor]


@attrs.frozen(eq=False)
class Undisturbed:
    """What a training leaves that nobody disturbs."""

    states: dict[int, Tensors]                     # by step
    lines: list[dict]

    @classmethod
    def of(cls, run: Run) -> Undisturbed:
        """That of a finished run, which kept all its checkpoints."""
        return cls({step: tensors(path) for step, path in checkpoint.steps(run.checkpoints).items()}, run.metrics())


def tensors(path: Path) -> Tensors:
    """A checkpoint's tensors."""
    return checkpoint.flat(checkpoint.read(path).groups)


def import_all(recipe: Recipe, folder: Path) -> None:
    """Import here what a training imports on its way, so that its children need not; nothing is computed."""
    assert unbraid_plugins.tools.tensorboard.events
    Training.start(recipe, Run(folder), torch.device("cpu")).close()
    figure_image(recipe)


def in_child(recipe: Recipe, folder: Path) -> int:
    """Begin to train, or go on, in a process that has everything imported already; its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            warnings.simplefilter("ignore")
            train(recipe, folder, resume=Run(folder).record_file.exists())
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def faults(run: Run, whole: Undisturbed, least: int) -> list[str]:
    """What is wrong with a run that was killed, and had a checkpoint of step `least` before."""
    found = []
    there = checkpoint.steps(run.checkpoints)
    if max(there, default=0) < least:
        found.append(f"step {least} was there, now the last is {max(there, default=0)}")
    for step, path in there.items():
        try:
            state = tensors(path)
        except checkpoint.CheckpointError as error:
            found.append(str(error))
            continue
        wanted = whole.states[step]
        if state.keys() != wanted.keys() or any(not torch.equal(t, wanted[n]) for n, t in state.items()):
            found.append(f"{path.name} is not that of the undisturbed training")
    logged = run.metrics_file.read_text().splitlines(keepends=True) if run.metrics_file.exists() else []
    if logged and not logged[-1].endswith("\n"):
        logged.pop()                               # cut in the middle of a line
    if [json.loads(line) for line in logged] != whole.lines[:len(logged)]:
        found.append("metrics.jsonl has steps that are missing, doubled or different")
    if len(logged) < max(there, default=0):
        found.append(f"metrics.jsonl has {len(logged)} steps, the last checkpoint is of {max(there)}")
    for name in ("run.json", "recipe.yaml"):
        try:
            if (run.folder / name).exists():
                _ = run.record() if name == "run.json" else load_recipe(run.recipe_file)
        except Exception as error:
            found.append(f"{name}: {error}")
    for picture in run.pictures.glob("[!.]*.png"):
        try:
            Image.open(picture).load()
        except OSError as error:
            found.append(f"{picture.name}: {error}")
    return found


def wait_for(child: int, run: Run, step: int) -> int | None:
    """Until a step is logged, by what is in the file: a busy machine is slow.  The child's status, if it ended."""
    began = time.monotonic()
    while time.monotonic() < began + 60:
        number, ended = os.waitpid(child, os.WNOHANG)
        if number:
            return ended
        if run.metrics_file.exists() and run.metrics_file.read_bytes().count(b"\n") >= step:
            break
        time.sleep(0.001)
    return None


@attrs.define
class Outcome:
    """How an attack went."""

    kills: int = 0
    before: int = 0                                # kills before the first step was logged
    halves: int = 0                                # that left something half written
    finished: int = 0                              # trainings, each equal to the undisturbed one
    found: list[str] = attrs.Factory(list)

    def __str__(self) -> str:
        return (f"{self.kills} kills, {self.before} before the first step, {self.halves} in the middle of writing; "
                f"{self.finished} trainings came to their end")


def attack(place: Path, rounds: int, seed: int) -> tuple[str, list[str]]:
    """Kill so many times, over as many trainings as that takes; how it went, and what was wrong."""
    recipe = load_recipe(HERE / "small.yaml", WHOLE)
    import_all(recipe, place)
    first = in_child(attrs.evolve(recipe, train=attrs.evolve(recipe.train, keep=1000)), place / "undisturbed")
    if os.waitpid(first, 0)[1]:
        return str(Outcome()), ["the undisturbed training failed"]
    whole, random, outcome = Undisturbed.of(Run(place / "undisturbed")), Random(seed), Outcome()
    while outcome.kills < rounds and not outcome.found:
        run = Run(place / f"run-{outcome.finished}")
        one_training(recipe, run, whole, random, outcome)
        shutil.rmtree(run.folder)
    return str(outcome), outcome.found


def one_training(recipe: Recipe, run: Run, whole: Undisturbed, random: Random, outcome: Outcome) -> None:
    """Train to the end under kills: while it starts, or some steps after the checkpoint that it went on from."""
    least = 0
    while True:
        child = in_child(recipe, run.folder)
        if random.random() > 0.2:
            ended = wait_for(child, run, least + random.randint(1, 12))
            time.sleep(random.uniform(0, 0.02))
        else:
            time.sleep(random.uniform(0, 0.2))
            ended = None
        if ended is None:
            os.kill(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)[1]
        found = faults(run, whole, least)
        outcome.found += [f"kill {outcome.kills}: {fault}" for fault in found]
        if found:
            return
        least = max(checkpoint.steps(run.checkpoints), default=0)
        if not os.WIFSIGNALED(ended):
            break
        outcome.kills += 1
        outcome.before += not run.metrics()
        outcome.halves += any(p.name.startswith(".") and p.name != ".lock" for p in run.folder.rglob(".*"))
    if os.waitstatus_to_exitcode(ended):
        outcome.found.append("the training failed")
    elif least != recipe.train.steps or run.metrics() != whole.lines:
        outcome.found.append(f"finished at step {least} with {len(run.metrics())} logged steps")
    elif any(run.folder.rglob(".writing-*")):
        outcome.found.append("a half written checkpoint was left")
    outcome.finished += 1


if __name__ == "__main__":
    sys.exit(in_rounds(__doc__, attack))
