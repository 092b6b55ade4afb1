"""Files that are damaged by seed, and read: each ends in our own error, or in a value; nothing else, nothing written.

    python tests/attacks/damaged_files.py --rounds 10000

A fault is told with the seed that repeats it: --first SEED --rounds 1 --only KIND.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import attrs
import numpy as np
import torch
from mutations import mutated, other_values
from PIL import Image

import unbraid
from unbraid.data import read_image
from unbraid.runs import Run
from unbraid_configs import load_recipe
from unbraid_plugins.shared.sources import Folder, Npz
from unbraid_registry import UnbraidError

RECIPE = Path(__file__).with_name("small.yaml")
MEMORY = 3 << 30                                   # bytes that reading may take beyond what is there


@attrs.frozen
class Target:
    """A file that is damaged, and what then reads it."""

    kind: str
    file: Path
    read: Callable[[], object]
    damaged: Callable[[bytes, Random], bytes] = mutated


def targets(folder: Path) -> list[Target]:
    """A finished run, a recipe, data and a picture, whole as yet."""
    run = unbraid.train(load_recipe(RECIPE), folder / "run").folder
    checkpoint = max((run / "checkpoints").iterdir())
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (6, 16, 16, 3), dtype=np.uint8)
    np.savez(folder / "plain.npz", images=pixels, labels=np.arange(6) % 2, factors=np.ones((6, 2), int),
             factor_names=["a", "b"])
    np.savez_compressed(folder / "packed.npz", images=pixels, split=["train"] * 4 + ["test"] * 2)
    (folder / "pictures").mkdir()
    for i, picture in enumerate(pixels[:3]):
        Image.fromarray(picture).save(folder / "pictures" / f"{i}.png")
    Image.fromarray(pixels[3]).save(folder / "alone.png")
    Image.fromarray(pixels[4]).save(folder / "alone.jpg")
    (folder / "recipe.yaml").write_bytes(RECIPE.read_bytes())

    def loaded() -> object:
        return unbraid.load(run)

    return [
        Target("recipe", folder / "recipe.yaml", lambda: load_recipe(folder / "recipe.yaml")),
        Target("run's recipe", run / "recipe.yaml", loaded),
        Target("run's record", run / "run.json", loaded),
        Target("log", run / "metrics.jsonl", lambda: Run.at(run).metrics()),
        Target("checkpoint's state", checkpoint / "state.json", loaded),
        Target("weights", checkpoint / "networks.safetensors", loaded),
        Target("npz", folder / "plain.npz", lambda: Npz(path=str(folder / "plain.npz")).open()),
        Target("compressed npz", folder / "packed.npz", lambda: Npz(path=str(folder / "packed.npz")).open()),
        Target("png", folder / "alone.png", lambda: read_image(folder / "alone.png", (16, 16), 3)),
        Target("jpg", folder / "alone.jpg", lambda: read_image(folder / "alone.jpg", (16, 16), 3)),
        Target("folder of png", folder / "pictures" / "1.png",
               lambda: Folder(path=str(folder / "pictures"), size=16).open())]


def resumed(folder: Path) -> list[Target]:
    """What a finished run goes on by, all of it well-formed; a run that does not go on is left as it was."""
    run, another = folder / "run", folder.with_name(f"{folder.name}-copy")
    checkpoint = max((run / "checkpoints").iterdir())

    def goes_on() -> object:
        shutil.rmtree(another, ignore_errors=True)
        shutil.copytree(run, another)
        before = _listing(another)
        try:
            return unbraid.train(load_recipe(RECIPE, ["train.keep_best=autoencoder/rebuild"]), another, resume=True)
        except UnbraidError:
            if _listing(another) != before:
                raise AssertionError(f"files changed: {_listing(another) ^ before}") from None
            raise

    return [Target("record, resumed", run / "run.json", goes_on, other_values),
            Target("state, resumed", checkpoint / "state.json", goes_on, other_values),
            Target("optimizers, resumed", checkpoint / "optimizers.safetensors", goes_on)]


@attrs.define
class Outcomes:
    """How often each kind was read and refused; faults: seed, kind, what was raised."""

    read: Counter[str] = attrs.Factory(Counter)
    refused: Counter[str] = attrs.Factory(Counter)
    faults: list[tuple[int, str, str]] = attrs.Factory(list)
    slowest: tuple[float, int, str] = (0.0, 0, "")


def attack(folder: Path, chosen: Sequence[Target], first: int, rounds: int) -> Outcomes:
    """Damage one of the chosen files for each seed, read it, mend it; all files are in the folder."""
    whole = {t.file: t.file.read_bytes() for t in chosen}
    there, found = _listing(folder), Outcomes()
    for target in chosen:                          # whole files are read
        target.read()
    for seed in range(first, first + rounds):
        random = Random(seed)
        target = random.choice(chosen)
        target.file.write_bytes(target.damaged(whole[target.file], random))
        began = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                target.read()
            found.read[target.kind] += 1
        except UnbraidError as error:
            found.refused[target.kind] += 1
            if "\n\n" in str(error) or not str(error).strip():
                found.faults.append((seed, target.kind, f"an error that says {str(error)!r}"))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            found.faults.append((seed, target.kind, f"{type(error).__name__}: {str(error)[:200]}"))
        found.slowest = max(found.slowest, (time.perf_counter() - began, seed, target.kind))
        target.file.write_bytes(whole[target.file])
        if seed % 50 == 0 and _listing(folder) != there:
            found.faults.append((seed, target.kind, f"files changed: {_listing(folder) ^ there}"))
            there = _listing(folder)
    return found


def _listing(folder: Path) -> set[tuple[str, int]]:
    return {(str(p.relative_to(folder)), p.stat().st_size) for p in folder.rglob("*") if p.is_file()}


def damage(description: str | None, made: Callable[[Path], Sequence[Target]], memory: int = MEMORY) -> int:
    """Attack the targets that `made(folder)` gives, and say how it went; the exit code.  memory: bytes to read with."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", help="a kind of file")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, "damaged")
        folder.mkdir()
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
        found = attack(folder, [t for t in made(folder) if asked.only in (None, t.kind)], asked.first, asked.rounds)
    for kind in sorted({*found.read, *found.refused}):
        print(f"{kind:20} {found.read[kind]:6} read  {found.refused[kind]:6} refused")
    print(f"slowest: seed {found.slowest[1]} ({found.slowest[2]})")
    for seed, kind, what in found.faults[:40]:
        print(f"seed {seed}, {kind}: {what}")
    print(f"{asked.rounds} damaged files: {found.read.total()} could be read, {found.refused.total()} were refused by "
          f"an error of ours; {len(found.faults)} faults; at most {found.slowest[0]:.1f} s and "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(damage(__doc__, lambda folder: [*targets(folder), *resumed(folder)], 2 * MEMORY))
