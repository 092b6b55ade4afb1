"""The memory at its largest of a step, of an evaluation of a million images, and of a log of a million lines.

    OMP_NUM_THREADS=1 python tests/benchmarks/memory.py --record
    OMP_NUM_THREADS=1 python tests/benchmarks/memory.py log

step: what two steps of the engine have allocated at one time beside those of a loop by hand (engine_overhead.py).
images: the most that `unbraid evaluate` has in memory, by the number of test images of 8 x 8, each encoded.
log: the most that an evaluation with its report has, by the lines of the run's log; with its seconds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from engine_overhead import peak, steps, training
from loops_by_hand import LOOPS, Hand
from recording import Rows, record

RECIPE = """
data:
  source: {{type: npz, path: {images}}}
  draw: {{x: {{}}}}
  splits: {{train: 0.02, test: 0.98}}
  batch: 16
code: {{z: 10}}
networks:
  encoder: {{type: mlp_encoder, hidden: [32], gaussian: true}}
  generator: {{type: mlp_generator, hidden: [32], output: logits}}
flow: {{q: encoder(x), z: sample(q), y: generator(z)}}
players: {{vae: {{trains: [encoder, generator], minimizes: {{rebuild: "bernoulli(y, x)", prior: kl(q)}}}}}}
train: {{steps: 20, optimizer: {{type: adam, lr: 1.0e-3}}, tensorboard: false, device: cpu}}
"""
IMAGES = (10_000, 1_000_000)
LINES = (1000, 10_000, 100_000, 1_000_000)


def unbraid(folder: Path, *words: str) -> tuple[float, float]:
    """Run a command, and return its largest memory in MiB and its seconds of processor.  Raises RuntimeError."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([sys.executable, "-c", "import sys; from unbraid.cli import main; sys.exit(main())",
                                    *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=errors,
                                   env={**os.environ, "UNBRAID_CACHE": str(folder / "cache")})
        _, code, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(code)
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(errors.read().decode()[-2000:])
    return used.ru_maxrss / 1024, used.ru_utime + used.ru_stime


def trained(folder: Path, count: int) -> None:
    """Train a run on images of blobs with two factors."""
    random = np.random.default_rng(0)
    across, down = random.integers(0, 4, count, dtype=np.int8), random.integers(0, 4, count, dtype=np.int8)
    blobs = np.zeros((4, 4, 8, 8), np.uint8)
    for i, j in np.ndindex(4, 4):
        blobs[i, j, 2 * j:2 * j + 2, 2 * i:2 * i + 2] = 255
    (folder / "images").mkdir()
    np.save(folder / "images/images.npy", blobs[across, down][..., None])
    np.save(folder / "images/across.npy", across)
    np.save(folder / "images/down.npy", down)
    (folder / "vae.yaml").write_text(RECIPE.format(images=folder / "images"), encoding="utf-8")
    unbraid(folder, "train", "vae.yaml", "--out", "run", "--yes")


def of_steps() -> Iterator[tuple[str, dict[str, list[float]]]]:
    """Steps of the recipes that have a loop by hand."""
    for method, loop in LOOPS.items():
        engine, hand = peak(steps(training(method, []))), peak(loop(Hand(training(method, []))))
        yield f"a step of {method}", {"engine, MiB": [round(engine, 1)], "by hand, MiB": [round(hand, 1)],
                                      "ratio": [round(engine / hand, 3)]}


def of_images() -> Iterator[tuple[str, dict[str, list[float]]]]:
    """Evaluations of more and more images."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trained(folder, round(max(IMAGES) / 0.97))
        for count in IMAGES:
            mib, seconds = unbraid(folder, "evaluate", "run", "--images", str(count), "--metrics",
                                   "linear_probe,mig,modularity,irs", "--no-report")
            yield f"evaluate {count:,} images", {"MiB": [round(mib)], "seconds": [round(seconds, 1)]}


def of_log() -> Iterator[tuple[str, dict[str, list[float]]]]:
    """Evaluations with their report of a run with a longer and longer log."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trained(folder, 2000)
        for count in LINES:
            with (folder / "run/metrics.jsonl").open("w", encoding="utf-8") as file:
                file.writelines(f'{{"step": {n}, "vae/rebuild": {1 / (n + 1):.12f}, "vae/prior": {n % 97}.5}}\n'
                                for n in range(count))
            mib, seconds = unbraid(folder, "evaluate", "run", "--metrics", "mig")
            yield f"a log of {count:,} lines", {"MiB": [round(mib)], "seconds": [round(seconds, 1)]}


PARTS: dict[str, Callable[[], Iterator[tuple[str, dict[str, list[float]]]]]] = {
    "step": of_steps, "images": of_images, "log": of_log}
TABLES = {
    "step": {"rows": [f"a step of {method}" for method in LOOPS], "columns": [
        {"title": "engine, MiB", "digits": 1}, {"title": "by hand, MiB", "digits": 1},
        {"title": "ratio", "digits": 3}]},
    **{part: {"rows": [text.format(n) for n in sizes], "columns": [
        {"title": "MiB", "digits": 0}, {"title": "seconds", "digits": 1}]}
       for part, text, sizes in (("images", "evaluate {:,} images", IMAGES), ("log", "a log of {:,} lines", LINES))}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="|".join(PARTS), help="by default all")
    parser.add_argument("--record", action="store_true", help="write docs/results/memory.json")
    options = parser.parse_args()
    if wrong := set(options.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(wrong))}")
    torch.set_num_threads(1)
    rows: Rows = {}
    for part in options.parts or PARTS:
        for row, values in PARTS[part]():
            print(f"{row}: " + ", ".join(f"{title} {v[0]:,}" for title, v in values.items()), flush=True)
            rows = {**rows, row: values}
    if options.record:
        record("memory", rows, TABLES)


if __name__ == "__main__":
    main()
