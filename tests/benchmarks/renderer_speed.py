"""What an image costs: CPU milliseconds per image of a bumpy ball with a texture, by number of triangles and size.

    OMP_NUM_THREADS=1 LP_NUM_THREADS=1 python tests/benchmarks/renderer_speed.py

R finds the faces, F draws the image without gradients, FB draws it and sends gradients to vertices and texture.
Batch 16, the least of several rounds; the two backends take turns.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "opengl"))

from solids import bumpy

from unbraid_plugins.opengl.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.drawing import draw
from unbraid_plugins.opengl.gl_context import renderer_name
from unbraid_plugins.opengl.mesh import Mesh
from unbraid_plugins.opengl.rasterize import Backend, rasterize
from unbraid_plugins.opengl.topology import Topology

BATCH, ROUNDS = 16, 5
CASES = [(3, 64), (3, 128), (5, 128), (5, 256)]     # subdivisions, pixels


def cost(work: Callable[[], object]) -> float:
    """CPU milliseconds per image."""
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000 / BATCH


def jobs(level: int, size: int, backend: Backend) -> list[Callable[[], object]]:
    """Finding the faces, drawing, and drawing with gradients."""
    vertices, faces = bumpy(level)
    points, topology, shape = vertices.float(), Topology(faces), (size, size)
    uv, texture = points[None, :, :2] / 2 + 0.5, torch.rand(1, 3, 512, 512)
    camera = Camera(orbiting(torch.linspace(0, 6, BATCH), torch.linspace(-1, 1, BATCH), 4.0),
                    perspective(math.radians(30)))
    clip = camera.clip(camera.seen(points[None]))

    def image() -> torch.Tensor:
        with torch.no_grad():
            return draw(Mesh(points[None], topology, None, uv, texture), camera, shape, cull=True, geometry=False,
                        backend=backend).colour

    def gradients() -> None:
        leaves = points.repeat(BATCH, 1, 1).requires_grad_(), texture.clone().requires_grad_()
        draw(Mesh(leaves[0], topology, None, uv, leaves[1]), camera, shape, cull=True, geometry=False,
             backend=backend).colour.sum().backward()

    return [lambda: rasterize(clip, faces, shape, cull=True, backend=backend), image, gradients]


def main() -> None:
    """Print a table."""
    torch.set_num_threads(1)
    print(f"OpenGL: {renderer_name()}\ntriangles @ size   gl R / F / FB          torch R / F / FB")
    for level, size in CASES:
        work = jobs(level, size, "gl") + jobs(level, size, "torch")
        rounds = [[cost(w) for w in work] for _ in range(ROUNDS)]
        best = [min(costs) for costs in zip(*rounds, strict=True)]
        gl, other = (" / ".join(f"{ms:5.2f}" for ms in part) for part in (best[:3], best[3:]))
        print(f"{20 * 4**level:9} @ {size:<5} {gl}    {other}")


if __name__ == "__main__":
    main()
