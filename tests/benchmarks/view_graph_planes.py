"""Plane hypotheses of the view graph against others: the same graph with realistic, frontal, random, oracle planes.

    OMP_NUM_THREADS=1 python tests/benchmarks/view_graph_planes.py --boxes 300 --seeds 0 1 2
    OMP_NUM_THREADS=1 python tests/benchmarks/view_graph_planes.py --objects objects_multiview.npz --seeds 0 1 2

realistic: the method.
no bias: without the bias correction.
frontal: the fronto-parallel plane, no 3D.
random: any plane.
oracle: the plane whose turned images are most like those that truly lie there.
inverse: the method with H exchanged with its inverse.
--offsets 0 has planes through the object's centre alone.

Boxes are new for every seed; of the objects, each seed takes nine in ten images.

azimuth: the median error in degrees after one rotation of all (chance 90).
half turn: the same, front and back being one (chance 45).
edges, tree: the share of edges that are right within half a step, and of those of the tree.
sense, flipped: the shares of edges whose sense of rotation is right, and that are off by half a turn.
slope: turns along the true ones; 1 is right and -1 is the mirror.
least: the share of images that have the plane that deforms them least.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unbraid import Context, Layout
from unbraid_plugins.opengl.boxes import TexturedBoxes
from unbraid_plugins.papers.view_graph import Graph, Hog, planes
from unbraid_plugins.papers.view_graph.graph import FittedGraph
from unbraid_plugins.papers.view_graph.poses import around
from unbraid_plugins.papers.view_graph.realism import realism
from unbraid_plugins.shared.metrics import azimuth_error, edge_precision
from unbraid_plugins.shared.sources.npz import Npz

ARMS = ("oracle", "realistic", "no bias", "frontal", "random", "inverse")
COLUMNS = ("azimuth", "half turn", "edges", "tree", "sense", "flipped", "slope", "least")


def data(options: argparse.Namespace, seed: int) -> tuple[Tensor, np.ndarray]:
    """Images (N, 3, H, W) in [0, 1], and their azimuths in radians."""
    if options.objects is None:
        opened = TexturedBoxes(count=options.boxes, size=options.size, seed=seed).open()
        return torch.from_numpy(opened.read(np.arange(len(opened)))).float() / 255, opened.fields["azimuth"].values
    only = {name: v for name in ("category", "elevation") if (v := getattr(options, name)) is not None}
    opened = Npz(path=str(options.objects), size=options.size, only=only).open()
    rows = np.sort(np.random.default_rng(seed).permutation(len(opened))[:int(0.9 * len(opened))])
    azimuth = opened.fields["azimuth"]
    return torch.from_numpy(opened.read(rows)).float() / 255, azimuth.values[rows] * (2 * np.pi / azimuth.classes)


def chosen(module: FittedGraph, features: torch.nn.Module, truth: np.ndarray, seed: int) -> dict[str, Tensor]:
    """Every image's plane, by arm: the realism of all planes is measured once."""
    r, data, count = module.rotations, module.looks, len(module.looks)
    x, rows, away = module.images.float() / 255, torch.arange(len(module.looks)), around(truth - truth[:, None])
    q, b, true = torch.zeros(3, count, len(r.normals)).unbind(0)
    for h in range(len(r.normals)):
        for angle in r.angles:
            looks = torch.cat([r.looks(x[part], torch.full_like(part, h), angle, features) for part in rows.split(64)])
            there = torch.from_numpy(np.abs(around(away - angle)) < abs(r.angles[0]) / 6).float().fill_diagonal_(0)
            true[:, h] += (looks @ data.T * there).sum(1) / there.sum(1).clamp_min(1)
            q[:, h] += realism(looks, data, module.options.neighbours, rows) / len(r.angles)
            b[:, h] += looks @ data.mean(0) / len(r.angles)
    drawn = torch.randint(len(r.normals), (count,), generator=torch.Generator().manual_seed(seed))
    realistic = (q - b.mean(0)).argmax(1)
    return {"oracle": true.argmax(1), "realistic": realistic, "no bias": q.argmax(1), "random": drawn,
            "frontal": torch.zeros(count, dtype=torch.long), "inverse": realistic}


def deforming(module: FittedGraph) -> int:
    """The plane whose small rotations move pixels least."""
    r = module.rotations
    moves = [(r.grid(a) - r.places(0, 0.0)).norm(dim=-1).mean((1, 2)) for a in r.angles]
    return int(torch.stack(moves).mean(0).argmin())


def measured(module: FittedGraph, truth: np.ndarray) -> list[float]:
    """The numbers of `COLUMNS`."""
    graph = {name: getattr(module, name).numpy() for name in ("members", "ends", "turns", "in_tree")}
    error = azimuth_error(module.azimuths[module.members].numpy(), truth)
    edges = edge_precision({**graph, "step": np.asarray(math.radians(module.options.step))}, truth)
    at = np.angle(np.bincount(graph["members"], np.cos(truth)) + 1j * np.bincount(graph["members"], np.sin(truth)))
    a, b = graph["ends"].T
    true = around(at[b] - at[a])
    near = np.abs(true) < math.radians(60)
    slope = float((graph["turns"] * np.sign(true))[near].sum() / np.abs(true)[near].sum())
    return [error.median, error.half_turn, edges.score, edges.tree, edges.sign, edges.flipped, slope,
            float((module.planes == deforming(module)).float().mean())]


def arms(options: argparse.Namespace, seed: int) -> dict[str, list[float]]:
    x, truth = data(options, seed)
    features = Hog(cell=options.cell).build(Context(name="features", image=tuple(x.shape[1:]), code=Layout.of({})), x)
    graph = Graph(elevation=25, field_of_view=40, offsets=tuple(options.offsets))
    module = graph.build(Context(name="graph", image=tuple(x.shape[1:]), code=Layout.of({})), x, features(x), features)
    module.keep((part, features(part), features) for part in x.split(64))
    own, found, right = chosen(module, features, truth, seed), {}, planes.homography
    for arm in ARMS:
        module.planes = own[arm]
        if arm == "inverse":
            from unbraid_plugins.papers.view_graph import rotations

            rotations.homography = lambda *a: torch.linalg.inv(right(*a))
            module.rotations._grids.clear()
        module.connect(features)
        found[arm] = measured(module, truth)
        if arm == "inverse":
            rotations.homography = right
    print(f"seed {seed}: {len(x)} images, {len(module.founders)} nodes", flush=True)
    return found


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, default=300)
    parser.add_argument("--objects", type=Path, help="objects_multiview.npz, instead of boxes")
    parser.add_argument("--category", type=int, default=3, help="of the objects; 3 are cars, -1 all")
    parser.add_argument("--elevation", type=int, help="of the objects; 0, 1, 2 are 10, 25, 40 degrees")
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--cell", type=int, default=8)
    parser.add_argument("--offsets", type=float, nargs="+", default=[0.0, 0.3], help="of planes before the centre")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    options.category = None if options.category < 0 else options.category
    torch.set_num_threads(1)
    by_seed = [arms(options, seed) for seed in options.seeds]
    print("| planes | " + " | ".join(COLUMNS) + " |\n|---" + "|---" * len(COLUMNS) + "|")
    for arm in ARMS:
        numbers = np.asarray([found[arm] for found in by_seed])
        cells = [f"{m:.{1 if c < 2 else 2}f}" + (f" ({', '.join(f'{v:.1f}' for v in numbers[:, c])})" if c < 2 else "")
                 for c, m in enumerate(numbers.mean(0))]
        print(f"| {arm} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
