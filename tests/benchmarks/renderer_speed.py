"""What an image costs, beside DEODR where it is installed: CPU milliseconds of one core, a bumpy ball with a texture.

    OMP_NUM_THREADS=1 LP_NUM_THREADS=1 python tests/benchmarks/renderer_speed.py [--rounds N] [--record]

R finds the faces, F draws the image without gradients, FB draws it and sends gradients to vertices and texture.
Batches of 16, medians over rounds in which all take turns, pinned to one core. `--lines` draws costs by triangles,
pixels and images; `--record` writes docs/results/renderer-speed.json.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from deodr_peer import INSTALLED, DeodrScene
from recording import record
from torch import Tensor

from unbraid_plugins.opengl.raster.gl_context import renderer_name
from unbraid_plugins.opengl.raster.rasterize import Backend, rasterize
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.topology import Topology
from unbraid_plugins.opengl.shading.draw import draw

CASES = [(1000, 64), (1000, 128), (10_000, 128), (10_000, 256), (40_000, 256)]     # triangles, pixels
Job = Callable[[], object]
PARTS = ("gl R", "gl F", "gl FB", "torch R", "torch F", "torch FB", "deodr F", "deodr FB")
TABLES = {"main": {"corner": "triangles at size", "rows": [f"{n:,} at {s}" for n, s in CASES], "columns": [
    *({"title": name, "digits": 2} for name in PARTS),
    *({"title": f"{what}, times as fast as DEODR", "digits": 2, "form": "spread"} for what in ("F", "FB"))]}}


def ball(triangles: int) -> tuple[Tensor, Tensor]:
    """A closed ball with bumps: vertices (V, 3) and about as many faces (F, 3), in rings around the y axis."""
    rings = round(math.sqrt(triangles / 2)) + 1
    down, around = torch.meshgrid(torch.arange(1, rings) * math.pi / rings, torch.arange(rings) * 2 * math.pi / rings,
                                  indexing="ij")
    v = torch.stack([down.sin() * around.sin(), down.cos(), down.sin() * around.cos()], -1).reshape(-1, 3)
    v = torch.cat([v, torch.tensor([[0.0, 1, 0], [0, -1, 0]])])
    at = torch.arange(len(v) - 2).reshape(rings - 1, rings)
    right = at.roll(-1, 1)
    faces = [torch.stack(t, -1).reshape(-1, 3) for t in (
        (at[:-1], at[1:], right[1:]), (at[:-1], right[1:], right[:-1]),
        (torch.full((rings,), len(v) - 2), at[0], right[0]), (torch.full((rings,), len(v) - 1), right[-1], at[-1]))]
    bump = 1 + 0.12 * torch.sin(4 * v[:, :1] + 1) * torch.cos(3 * v[:, 1:2]) + 0.08 * torch.sin(5 * v[:, 2:])
    return v * bump * 0.84, torch.cat(faces)


def scene(triangles: int, batch: int) -> tuple[Tensor, Topology, Tensor, Tensor, Camera]:
    """Vertices, topology, uv, texture and a camera for every image."""
    vertices, faces = ball(triangles)
    camera = Camera(orbiting(torch.linspace(0, 6, batch), torch.linspace(-1, 1, batch), 4.0),
                    perspective(math.radians(30)))
    return vertices, Topology(faces), vertices[:, :2] / 2 + 0.5, torch.rand(1, 3, 512, 512), camera


def jobs(triangles: int, size: int, backend: Backend, batch: int = 16) -> list[Job]:
    """Finding the faces, drawing, and drawing with gradients."""
    points, topology, uv, texture, camera = scene(triangles, batch)
    clip, shape = camera.clip(camera.seen(points[None])), (size, size)
    slope = torch.rand(batch, 3, size, size)
    leaves = points.repeat(batch, 1, 1).requires_grad_(), texture.clone().requires_grad_()

    def image() -> Tensor:
        with torch.no_grad():
            return draw(Mesh(points[None], topology, None, uv[None], texture), camera, shape, cull=True, geometry=False,
                        backend=backend).colour

    def gradients() -> None:
        for leaf in leaves:
            leaf.grad = None
        draw(Mesh(leaves[0], topology, None, uv[None], leaves[1]), camera, shape, cull=True, geometry=False,
             backend=backend).colour.backward(slope)

    return [lambda: rasterize(clip, topology.faces, shape, cull=True, backend=backend), image, gradients]


def deodr_jobs(triangles: int, size: int, batch: int = 2) -> list[Job]:
    """The same by DEODR, image by image; it has no rasterisation of its own."""
    points, topology, uv, texture, camera = scene(triangles, batch)
    peer = DeodrScene(topology.faces, len(points), (size, size), uv=uv, texture=texture[0])
    matrices = (camera.projection @ camera.view).double().numpy()
    places, slope = points.double().numpy(), torch.rand(size, size, 3).double().numpy()

    def gradients() -> None:
        for matrix in matrices:
            peer.back(peer.draw(places, matrix, None)[1], slope)

    return [lambda: [peer.draw(places, matrix, None) for matrix in matrices], gradients]


def medians(work: dict[str, tuple[Job, int]], rounds: int) -> dict[str, float]:
    """CPU milliseconds per image of each job, which are done in turns."""
    costs: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(2 + rounds):
        for name, (job, batch) in work.items():
            start = time.process_time()
            job()
            if turn > 1:                           # the first ones warm up
                costs[name].append((time.process_time() - start) * 1000 / batch)
    return {name: statistics.median(times) for name, times in costs.items()}


def table(rounds: int) -> dict[str, dict[str, float]]:
    """Print ours, without OpenGL, and DEODR; and how many times as fast as it we are.  Return the costs by case."""
    found = {}
    print("triangles @ size    OpenGL R / F / FB      torch R / F / FB        DEODR F / FB    times as fast F, FB")
    torch.empty(2**22)                             # freed, it makes malloc keep what is freed: DEODR gains most
    for triangles, size in CASES:
        work = {f"{backend} {what}": (job, 16) for backend in ("gl", "torch")
                for what, job in zip(("R", "F", "FB"), jobs(triangles, size, backend), strict=True)}
        if INSTALLED:
            work |= {f"deodr {what}": (job, 2)
                     for what, job in zip(("F", "FB"), deodr_jobs(triangles, size), strict=True)}
        cost = medians(work, rounds)
        parts = [" / ".join(f"{ms:5.2f}" for name, ms in cost.items() if name.startswith(who))
                 for who in ("gl", "torch", "deodr")]
        times = [f"{cost[f'deodr {w}'] / cost[f'gl {w}']:.2f}" for w in ("F", "FB")] if INSTALLED else []
        print(f"{triangles:9} @ {size:<5} " + "    ".join([*parts, ", ".join(times)]), flush=True)
        found[f"{triangles:,} at {size}"] = cost
    return found


def tables(rounds: int, runs: int) -> dict[str, dict[str, list[float]]]:
    """The rows of the result file: costs of the first run, and the ratios of all."""
    found = [table(rounds) for _ in range(runs)]
    return {case: {name: [round(ms, 3)] for name, ms in cost.items()} | {
        f"{what}, times as fast as DEODR": [round(run[case][f"deodr {what}"] / run[case][f"gl {what}"], 3)
                                            for run in found] for what in ("F", "FB")}
            for case, cost in found[0].items()}


def lines(file: Path, rounds: int) -> None:
    """A picture: milliseconds per batch by the number of triangles, of pixels, and of images."""
    from matplotlib import pyplot as plt

    sweeps = {"triangles (256 x 256, 4 images)": [(n, 256, 4, n) for n in (1000, 5000, 10_000, 20_000, 40_000)],
              "pixels (10,000 triangles, 4 images)": [(10_000, s, 4, s * s) for s in (64, 128, 192, 256, 320)],
              "images (10,000 triangles, 128 x 128)": [(10_000, 128, b, b) for b in (1, 4, 8, 16, 32)]}
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
    for axis, (label, cases) in zip(axes, sweeps.items(), strict=True):
        for what, index in (("faces found", 0), ("drawn", 1), ("drawn, with gradients", 2)):
            costs = [medians({"": (jobs(n, size, "auto", batch)[index], 1)}, rounds)[""] for n, size, batch, _ in cases]
            axis.plot([x for *_, x in cases], costs, marker="o", markersize=3, label=what)
        axis.set(xlabel=label, xlim=(0, None), ylim=(0, None))
    axes[0].set_ylabel("CPU ms per batch")
    axes[2].legend(frameon=False)
    figure.savefig(file)


def memory(backend: Backend, batch: int = 16) -> float:
    """By how many MiB the process grows for an image of 256 x 256 with 10,000 triangles and gradients."""
    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    jobs(1000, 64, backend, 2)[2]()                # what is imported and opened is there
    before = peak()
    for _ in range(2):
        jobs(10_000, 256, backend, batch)[2]()
    return (peak() - before) / batch


def main() -> None:
    """Print the table, or draw the lines, or say what an image takes of memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--lines", type=Path)
    parser.add_argument("--memory", choices=["gl", "torch"], help="instead: MiB an image")
    parser.add_argument("--runs", type=int, default=1, help="how often the table is made")
    parser.add_argument("--record", action="store_true", help="write docs/results/renderer-speed.json, with DEODR")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.memory:
        print(f"{memory(options.memory):.1f} MiB an image")
        return
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"OpenGL: {renderer_name()}")
    if options.lines:
        lines(options.lines, options.rounds)
    elif options.record:
        record("renderer-speed", tables(options.rounds, options.runs), TABLES)
    else:
        table(options.rounds)


if __name__ == "__main__":
    main()
