"""Damaged files given to commands: a result or exit code 2 with one error, no traceback, and nothing left behind.

    python tests/attacks/damaged_commands.py --rounds 1000

A fault is told with the seed that repeats it: --first SEED --rounds 1.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from random import Random

import attrs
import torch
from damaged_files import Target, targets
from mutations import mutated

import unbraid as unbraid_package
from unbraid.cli import main as unbraid
from unbraid_configs import load_recipe

OUT = "out"
DATA = """\
title: On images from a file
data: {source: {type: npz, path: PATH}, draw: {x: {}}, batch: 2, workers: 0}
code: {z: 3}
networks: {encoder: {type: conv_encoder, width: 4}, generator: {type: conv_generator, width: 4}}
flow: {y: generator(encoder(x))}
players: {ae: {trains: [encoder, generator], minimizes: {rebuild: "mse(y, x)"}}}
functions: {encode(x): encoder(x), decode(z): generator(z)}
train: {steps: 1, device: cpu, tensorboard: false}
"""
ON_RUN = ("edit RUN reconstruct alone.png --out out/grid.png", "edit RUN swap alone.png alone.jpg --out out/grid.png",
          "sample RUN --out out/samples.png", "export RUN encode --to out/encode.pt2",
          "evaluate RUN --images 4", "probe RUN --images 4", "compare RUN RUN",
          "traverse RUN alone.png --out out/t.png")
ON_IMAGE = ("edit RUN reconstruct FILE --out out/grid.png", "edit RUN swap FILE alone.png --out out/grid.png",
            "traverse RUN FILE --out out/t.png")
ON_DATA = ("train data.yaml --out out/run data.source.path=FILE", "check data.yaml data.source.path=FILE",
           "train data.yaml --out out/run --data FILE", "evaluate data-run --images 4", "probe data-run --images 4",
           "export data-run codes --to out/codes.npz")
COMMANDS = {
    "recipe": ("check FILE", "show FILE", "draw FILE --out out/figure.svg"),
    "png": ON_IMAGE, "jpg": ON_IMAGE, "npz": ON_DATA, "compressed npz": ON_DATA,
    "folder of png": ("train data.yaml --out out/run --data FILE",)}


@attrs.define
class Outcomes:
    """How often a command gave a result or refused, and what was wrong: the seed, the command, what was seen."""

    results: Counter[str] = attrs.Factory(Counter)
    refused: Counter[str] = attrs.Factory(Counter)
    faults: list[str] = attrs.Factory(list)


def laid_out(folder: Path) -> list[Target]:
    """Everything that is damaged, with a run on images from a file too."""
    found = targets(folder)
    (folder / "data.yaml").write_text(DATA.replace("PATH", str(folder / "plain.npz")))
    unbraid_package.train(load_recipe(folder / "data.yaml"), folder / "data-run")
    return found


def asked_of(target: Target, run: Path, random: Random) -> list[str]:
    """A command line for a damaged file."""
    line = random.choice(COMMANDS.get(target.kind, ON_RUN))
    file = target.file.parent if target.kind == "folder of png" else target.file
    return line.replace("RUN", str(run)).replace("FILE", str(file)).split()


def said_by(arguments: list[str]) -> tuple[int, str]:
    """The exit code and stderr of a command line."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = unbraid(arguments)
    return code, err.getvalue()


def faults_of(code: int, err: str) -> list[str]:
    """What is wrong with how a command ended."""
    found = []
    if code not in (0, 2):
        found.append(f"exit code {code}: {err.strip()[:300]!r}")
    if "Traceback" in err:
        found.append(f"a traceback: {err[-300:]!r}")
    if code == 2 and (not err.strip() or err.count("Error:") > 1):
        found.append(f"not one error: {err[:300]!r}")
    return found


def attack(folder: Path, chosen: list[Target], first: int, rounds: int) -> Outcomes:
    """In this folder, damage a file for each seed, call a command, and mend the file."""
    run = next(t.file for t in chosen if t.kind == "run's record").parent
    runs = (run, folder / "data-run")
    for trained in runs:
        shutil.copytree(trained, folder / "whole" / trained.name, dirs_exist_ok=True)
    there, found = listing(folder), Outcomes()
    for seed in range(first, first + rounds):
        random = Random(seed)
        target = random.choice(chosen)
        whole = target.file.read_bytes()
        arguments = asked_of(target, run, random)
        target.file.write_bytes(mutated(whole, random))
        told = f"seed {seed}, {target.kind}, unbraid {' '.join(arguments)}"
        try:
            code, err = said_by(arguments)
            (found.refused if code else found.results)[target.kind] += 1
            found.faults += [f"{told}: {fault}" for fault in faults_of(code, err)]
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            found.faults.append(f"{told}: {type(error).__name__}: {str(error)[:200]}")
            code = 2
        target.file.write_bytes(whole)
        if code == 0:                              # a result may be written
            put_back(folder, runs)
        if listing(folder) != there:
            left = sorted(name for name, _ in listing(folder) ^ there)[:4]
            found.faults.append(f"{told}: files changed: {left}")
            put_back(folder, runs)
            there = listing(folder)
    return found


def put_back(folder: Path, runs: tuple[Path, ...]) -> None:
    """Remove what was written, and have the runs as they were."""
    shutil.rmtree(folder / OUT, ignore_errors=True)
    for run in runs:
        shutil.rmtree(run)
        shutil.copytree(folder / "whole" / run.name, run)


def listing(folder: Path) -> set[tuple[str, bytes]]:
    """All files with what is in them, and all folders."""
    return {(str(p.relative_to(folder)), p.read_bytes() if p.is_file() else b"") for p in folder.rglob("*")
            if p.name != ".evaluating"}            # the lock of an evaluation, which stays as a training's does


def main() -> int:
    """Attack, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as cache:
        folder = Path(name).resolve()
        os.environ["UNBRAID_CACHE"] = cache        # oracles are kept there, whatever becomes of the command
        os.chdir(folder)
        found = attack(folder, laid_out(folder), asked.first, asked.rounds)
        os.chdir("/")
    for fault in found.faults[:40]:
        print(fault)
    print(f"{asked.rounds} commands on damaged files: {found.results.total()} gave a result, {found.refused.total()} "
          f"refused with exit code 2 and one error; {len(found.faults)} faults")
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
