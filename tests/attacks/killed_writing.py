"""Kills a process again and again while it writes and removes checkpoints; what is left must be whole.

    python tests/attacks/killed_writing.py --rounds 1000
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from random import Random

import torch
from rounds import in_rounds

from unbraid.runs import checkpoint
from unbraid.runs.checkpoint import Checkpoint

KEEP = 2
SIZES = (3, 1000, 40_000)


def state(step: int) -> Checkpoint:
    """What a step's checkpoint must hold."""
    return Checkpoint(step, {"networks": {f"w{n}": torch.full((n,), float(step)) for n in SIZES},
                             "optimizers": {"m": torch.full((7,), -float(step))}}, {"told": step})


def write_for_ever(folder: Path) -> None:
    """Go on from the last checkpoint, as a training does."""
    step = max(checkpoint.steps(folder), default=0)
    while True:
        step += 1
        checkpoint.write(folder, state(step))
        checkpoint.prune(folder, KEEP)


def faults(folder: Path, least: int) -> list[str]:
    """What is wrong with the checkpoints in a folder, which had got as far as step `least`."""
    found, there = [], checkpoint.steps(folder)
    if max(there, default=0) < least:
        found.append(f"step {least} was there, now the last is {max(there, default=0)}")
    for step, path in there.items():
        try:
            read, whole = checkpoint.read(path), state(step)
        except checkpoint.CheckpointError as error:
            found.append(str(error))
            continue
        if read.step != step or read.facts != whole.facts or read.groups.keys() != whole.groups.keys() or any(
                not torch.equal(t, read.groups[g][n]) for g, ts in whole.groups.items() for n, t in ts.items()):
            found.append(f"{path.name} is not what was written")
    return found


def wait_for(folder: Path, step: int) -> None:
    """Until a step's checkpoint is whole, or for half a minute."""
    began = time.monotonic()
    while max(checkpoint.steps(folder), default=0) < step and time.monotonic() < began + 30:
        time.sleep(0.001)


def attack(folder: Path, rounds: int, seed: int) -> tuple[str, list[str]]:
    """How often it was killed in the middle of something, and what was wrong."""
    random, last, halves, found = Random(seed), 0, 0, list[str]()
    for number in range(rounds):
        child = os.fork()
        if child == 0:
            try:
                write_for_ever(folder)
            finally:
                os._exit(1)
        wait_for(folder, last + random.choice((0, 0, 1, 2, 3)))     # by what was written: a busy machine writes little
        time.sleep(random.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        halves += any(p.name.startswith(".") for p in folder.iterdir()) if folder.exists() else 0
        found += [f"round {number}: {fault}" for fault in faults(folder, last)]
        last = max(checkpoint.steps(folder), default=0) if folder.exists() else 0
    return f"{rounds} kills, {halves} of them in the middle of something, {last} checkpoints written", found


if __name__ == "__main__":
    sys.exit(in_rounds(__doc__, lambda place, rounds, seed: attack(place / "checkpoints", rounds, seed)))
