"""Costs of a view graph over the number of images: seconds of processor, the most memory, and a plot.

    OMP_NUM_THREADS=1 python tests/benchmarks/view_graph_cost.py --counts 125 250 500 1000 --to view-graph-cost.svg

Blobs of 64 x 64, whose cost is that of any images; every number of them is fitted in a separate process. Seconds are
the processor's in the fit, memory is the process's peak, torch and all. `--directions 2` tries 5 planes instead of 15,
which takes a third of the time and the same memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np


def fitted(count: int, size: int, directions: int) -> dict[str, float]:
    """Seconds and GiB of a fit to random pictures of blobs, whose cost is that of any others."""
    import torch
    from torch.nn.functional import interpolate

    from unbraid import Context, Layout
    from unbraid_plugins.papers.view_graph import Graph, Hog

    torch.set_num_threads(1)
    context = Context(name="graph", image=(3, size, size), code=Layout.of({}))
    free = torch.Generator().manual_seed(0)

    def batch(images: int) -> torch.Tensor:
        return interpolate(torch.rand(images, 3, 7, 7, generator=free), (size, size), mode="bilinear")

    x = batch(2)
    features = Hog().build(context, x)
    graph = Graph(elevation=25, directions=directions).build(context, x, features(x), features)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, wall = time.process_time(), time.perf_counter()
    for done, total in graph.fit((b, features(b), features) for b in (
            batch(min(64, count - i)) for i in range(0, count, 64))):
        if done % 8 == 0:
            print(f"{count}: {done} of {total}, {time.perf_counter() - wall:.0f} s", file=sys.stderr, flush=True)
    return {"count": count, "directions": directions, "seconds": time.process_time() - began,
            "nodes": len(graph.founders),
            "before": before / 2**20, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[125, 250, 500, 1000])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--directions", type=int, default=8)
    parser.add_argument("--one", type=int, help="fit so many images in this process, and print the numbers")
    parser.add_argument("--known", type=Path, help="a file of lines that --one printed, instead of measuring")
    parser.add_argument("--to", type=Path, help="a file for the plot")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(fitted(options.one, options.size, options.directions)))
        return
    if options.known:
        lines = options.known.read_text().splitlines()
    else:
        same = ["--size", str(options.size), "--directions", str(options.directions)]
        lines = [subprocess.run([sys.executable, __file__, "--one", str(n), *same], check=True, capture_output=True,
                                text=True).stdout for n in options.counts]
    found = sorted((json.loads(line) for line in lines), key=lambda f: f["count"])
    for f in found:
        print(f"| {f['count']:,} | {f['nodes']:,} | {f['seconds']:.0f} | {f['memory']:.2f} |")
    if options.to:
        import matplotlib.pyplot as plt

        counts = [f["count"] for f in found]
        figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
        seconds = [f["seconds"] for f in found]
        slope = np.polyfit(*np.log([counts[-3:], seconds[-3:]]), 1)[0]
        axes[0].loglog(counts, seconds, "o-")
        axes[0].set(xlabel="images (64 x 64)", ylabel="seconds of a core",
                    title=f"grows as $n^{{{slope:.2f}}}$ at the end")
        axes[1].semilogx(counts, [f["memory"] for f in found], "o-")
        axes[1].axhline(found[0]["before"], color="grey", linewidth=0.8, linestyle=":")
        axes[1].set(xlabel="images (64 x 64)", ylabel="GiB, the process's peak", ylim=(0, 4))
        for axis in axes:
            axis.set_xticks(counts, [f"{n:,}" for n in counts])
            axis.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
        figure.savefig(options.to)


if __name__ == "__main__":
    main()
