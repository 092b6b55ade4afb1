"""Which planes turn a box as it turns: through the object's centre, or before it?

    OMP_NUM_THREADS=1 python tests/benchmarks/view_graph_offsets.py

Boxes are drawn at an azimuth, and again further round. Every plane turns the first image; its descriptor is compared
with that of the second: the mean similarity of every box's best plane, of the fronto-parallel one, and of that one
turned the wrong way.
"""

from __future__ import annotations

import argparse
import math

import numpy as np
import torch
from torch import Tensor

from unbraid import Context, Layout
from unbraid_plugins.opengl.boxes import TexturedBoxes, _texture
from unbraid_plugins.papers.view_graph import Hog
from unbraid_plugins.papers.view_graph.rotations import SmallRotations


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, default=60)
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--step", type=float, default=15.0, help="degrees between the two azimuths")
    parser.add_argument("--offsets", type=float, nargs="+", default=[0.0, 0.26, 0.52])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    source, free = TexturedBoxes(count=asked.boxes, size=asked.size), np.random.default_rng(5)
    azimuths = torch.from_numpy(free.uniform(-math.pi, math.pi, asked.boxes).astype(np.float32))
    halves = torch.from_numpy(free.uniform((0.55, 0.5, 0.55), (0.7, 0.65, 0.7), (asked.boxes, 3)).astype(np.float32))
    textures = torch.from_numpy(np.stack([_texture(free) for _ in range(asked.boxes)]))

    def drawn(degrees: float) -> Tensor:
        return source._drawn(azimuths + math.radians(degrees), halves, textures).float() / 255

    context = Context(name="features", image=(3, asked.size, asked.size), code=Layout.of({}))
    x, there, opposite = drawn(0), drawn(asked.step), drawn(-asked.step)
    features = Hog().build(context, x)
    print(f"not turned: {(features(x) * features(there)).sum(1).mean():.3f}")
    print("| offset | best | fronto-parallel | the wrong way |\n|---|---|---|---|")
    for offset in asked.offsets:
        rotations = SmallRotations.of((25.0, 50.0), 8, asked.step, 1, source.elevation, source.field_of_view,
                                      (asked.size, asked.size), (offset,))

        def similar(plane: int, to: Tensor, turned: SmallRotations = rotations) -> Tensor:
            planes = torch.full((asked.boxes,), plane)
            return (turned.looks(x, planes, math.radians(asked.step), features) * features(to)).sum(1)

        best = torch.stack([similar(h, there) for h in range(len(rotations.normals))]).amax(0).mean()
        print(f"| {offset} | {best:.3f} | {similar(0, there).mean():.3f} | {similar(0, opposite).mean():.3f} |")


if __name__ == "__main__":
    main()
