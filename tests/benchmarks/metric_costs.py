"""What the metrics of disentanglement cost over the images N, the numbers D and the factors K.

    OMP_NUM_THREADS=1 python tests/benchmarks/metric_costs.py [--large]

Seconds of one core's time (what other programs take is left out) and the most memory beside the arrays; a table in
Markdown. --large adds a million codes for the metrics that fit nothing.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from unbraid_plugins.shared.metrics import (
    beta_vae_score,
    dci,
    explicitness,
    factor_vae_score,
    irs,
    mig,
    modularity,
    sap,
)

CASES = ((1000, 10, 5), (10_000, 10, 5), (1000, 100, 5), (1000, 10, 20))
FREE = (mig, modularity)
METRICS: dict[str, Callable[..., Any]] = {
    "mig": mig, "modularity": modularity, "irs": irs, "sap": sap, "explicitness": explicitness,
    "factor_vae_score": factor_vae_score, "beta_vae_score": beta_vae_score,
    "dci, 10 of 100 rounds": lambda codes, factors: dci(codes, factors, rounds=10, workers=1)}


def arrays(images: int, numbers: int, factors: int, classes: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Noisy mixtures of factors with 16 classes each."""
    random = np.random.default_rng(0)
    v = random.integers(0, classes, (images, factors))
    return (v @ random.normal(size=(factors, numbers)) + random.normal(size=(images, numbers))).astype(np.float32), v


def cost(metric: Callable[..., Any], codes: np.ndarray, factors: np.ndarray) -> str:
    """Seconds and megabytes of a call."""
    start = time.process_time()
    metric(codes, factors)
    seconds = time.process_time() - start
    tracemalloc.start()
    if seconds < 20:
        metric(codes, factors)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return f"{seconds:.2f} s, {peak / 2 ** 20:.0f} MB" if peak else f"{seconds:.2f} s"


def main() -> None:
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(description="What the metrics cost over N, D and K.")
    parser.add_argument("--large", action="store_true", help="a million codes too")
    cases = [*CASES, *([(1_000_000, 10, 5)] if parser.parse_args().large else [])]
    print("| metric |" + "".join(f" {n:,} x {d}, {k} |" for n, d, k in cases))
    print("|---|" + "---|" * len(cases))
    tables = [arrays(*case) for case in cases]
    for name, metric in METRICS.items():
        found = [cost(metric, z, v) if len(z) < 100_000 or metric in FREE else "-" for z, v in tables]
        print(f"| {name} | {' | '.join(found)} |", flush=True)


if __name__ == "__main__":
    main()
