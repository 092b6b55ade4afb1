"""What the distances of sets and the errors of shapes cost: seconds of one core, and memory beside their arguments.

    OMP_NUM_THREADS=1 python tests/benchmarks/set_distance_costs.py

Linux only: the peak of the memory is the kernel's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from unbraid_plugins.shared.metrics import (
    chamfer,
    depth_error,
    frechet_distance,
    kernel_distance,
    nearest_neighbour_accuracy,
    silhouette_iou,
    viewpoint_error,
)

MILLION = 1_000_000


def kilobytes(field: str) -> int:
    """A line of the process's status."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def measured(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the processor, and megabytes above what was there before."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")              # the peak begins anew
    before, start = kilobytes("VmRSS"), time.process_time()
    call()
    return time.process_time() - start, (kilobytes("VmHWM") - before) / 1024


def main() -> None:
    """Print a table."""
    rng = np.random.default_rng(0)
    many = rng.normal(size=(MILLION, 64)).astype(np.float32)
    others, wide = many[::-1] + np.float32(0.1), rng.normal(size=(5000, 2048)).astype(np.float32)
    angles, points = rng.uniform(0, 6, MILLION), rng.normal(size=(MILLION, 3))
    depth = rng.uniform(1, 2, (2000, 64, 64)).astype(np.float32)
    codes, factors = rng.normal(size=(20_000, 8)), {"factor": rng.integers(0, 10, 20_000)}
    tiny = np.ones((2, 2))
    for warm_up in (frechet_distance, kernel_distance, chamfer):                 # imports
        warm_up(tiny, tiny)
    print("| call | seconds | MB |\n|---|---|---|")
    for name, call in {
            "frechet_distance, 2 x 1,000,000 x 64": lambda: frechet_distance(many, others),
            "frechet_distance, 2 x 5,000 x 2,048": lambda: frechet_distance(wide, wide[::-1]),
            "kernel_distance, 100 subsets of 1,000": lambda: kernel_distance(many, others, subsets=100),
            "kernel_distance, 2 x 10,000 x 64": lambda: kernel_distance(many[:10_000], others[:10_000]),
            "chamfer, 2 x 1,000,000 points": lambda: chamfer(points, points[::-1] + 0.01),
            "viewpoint_error, 1,000,000 angles": lambda: viewpoint_error(angles, angles[::-1]),
            "depth_error, 2,000 x 64 x 64": lambda: depth_error(depth, depth[::-1]),
            "silhouette_iou, 2,000 x 64 x 64": lambda: silhouette_iou(depth > 1.5, depth[::-1] > 1.5),
            "nearest_neighbour_accuracy, 2,000 among 18,000 x 8": lambda: nearest_neighbour_accuracy(
                codes, factors, train=np.arange(18_000), neighbours=5)}.items():
        seconds, megabytes = measured(call)
        print(f"| {name} | {seconds:.2f} | {megabytes:.0f} |", flush=True)


if __name__ == "__main__":
    main()
