"""What a step of mixing costs over the batch and over the image's size: milliseconds of processor, and a plot.

    OMP_NUM_THREADS=1 python tests/benchmarks/cost_scaling.py --to cost.svg
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from engine_overhead import steps, training
from side_by_side import alternate

BATCHES, SIZES = (4, 8, 16, 32, 64, 128), (16, 32, 64, 128)


def milliseconds(changes: dict[int, list[str]], rounds: int) -> dict[int, float]:
    """The median of a step for every setting, all played in turns."""
    plays = {str(n): steps(training("mixing", own)) for n, own in changes.items()}
    seconds = alternate(plays, rounds=rounds)
    return {n: 1000 * statistics.median(seconds[str(n)]) for n in changes}


def slope(of: dict[int, float], *, above: int) -> float:
    """The exponent of the growth beyond a size, by least squares of the logarithms."""
    points = np.log([(n, ms) for n, ms in of.items() if n >= above])
    return float(np.polyfit(points[:, 0], points[:, 1], 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--to", type=Path, help="a file for the plot")
    options = parser.parse_args()
    torch.set_num_threads(1)
    few = "data.source.count=300"
    batches = milliseconds({b: [few, f"data.batch={b}"] for b in BATCHES}, options.rounds)
    pixels = milliseconds({s * s: [few, "data.batch=8", f"data.source.size={s}"] for s in SIZES}, options.rounds)
    figure, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
    for axis, of, what, above in ((axes[0], batches, "images in a batch (32 x 32)", 16),
                                  (axes[1], pixels, "pixels of an image (batch of 8)", 1024)):
        grows = slope(of, above=above)
        print(f"{what}: " + ", ".join(f"{n}: {ms:.1f} ms" for n, ms in of.items()) + f"; grows as n^{grows:.2f}")
        axis.loglog(list(of), list(of.values()), "o-")
        axis.set(xlabel=what, title=f"grows as $n^{{{grows:.2f}}}$ from {above}")
    axes[0].set_ylabel("ms a step")
    if options.to:
        figure.savefig(options.to)


if __name__ == "__main__":
    main()
