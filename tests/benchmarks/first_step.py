"""How long it takes from the command to the first step that is done.

    OMP_NUM_THREADS=1 python tests/benchmarks/first_step.py mixing-sprites beta-vae-shapes

Beside it what a bare script takes for a step of one linear layer, below which no such command can get: most of it are
imports of torch. Seconds of the wall's clock and of the processor's, medians of a few starts.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = """
import torch
layer = torch.nn.Linear(1, 1)
adam = torch.optim.Adam(layer.parameters())
layer(torch.ones(1, 1)).sum().backward()
adam.step()
"""


def started(command: list[str], until: Path | None) -> tuple[float, float]:
    """Seconds of wall and processor until a file has a line, or, where there is none to wait for, until the end."""
    before, began = processor(), time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (until is not None and until.is_file() and until.stat().st_size):
        time.sleep(0.005)
    wall = time.perf_counter() - began
    if until is not None and process.poll() is not None:
        raise SystemExit(f"{' '.join(command)} ended by itself with code {process.returncode}")
    process.kill()
    process.wait()
    return wall, processor() - before


def processor() -> float:
    """Seconds that ended children have spent."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=["mixing-sprites", "beta-vae-shapes"])
    parser.add_argument("--starts", type=int, default=5)
    options = parser.parse_args()
    seconds: dict[str, list[tuple[float, float]]] = {}
    for _ in range(options.starts):
        seconds.setdefault("a bare script", []).append(started([sys.executable, "-c", BARE], None))
        for recipe in options.recipes:
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "run"
                command = [sys.executable, "-m", "unbraid", "train", recipe, "--out", str(out), "--yes"]
                seconds.setdefault(recipe, []).append(started(command, out / "metrics.jsonl"))
    for name, own in seconds.items():
        wall, spent = (statistics.median(s) for s in zip(*own, strict=True))
        print(f"{name:<24}{wall:8.2f} s   {spent:.2f} s of processor")


if __name__ == "__main__":
    main()
