"""Recover the shape, the texture and the viewpoints of an object from its pictures.

    OMP_NUM_THREADS=1 python docs/examples/fit_mesh.py spot.obj [--out FOLDER] [--crisp] [--steps N] ...

Pictures of the mesh are rendered from viewpoints that the fit is told only roughly. Then a ball is deformed and
painted, and the viewpoints corrected, until it gives the same pictures: gradient descent on the difference of colours,
and nothing else; no masks, no depth. At the end the result is measured from sides that it has never seen.

--crisp leaves out the gradients of outlines, and shows what they are for.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import attrs
import torch
from torch import Tensor

from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.light import DirectionalLight
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.mesh_files import read_mesh, write_mesh
from unbraid_plugins.opengl.scene.topology import Topology
from unbraid_plugins.opengl.shading.draw import Rendering, draw
from unbraid_plugins.opengl.viewing.film import write_still
from unbraid_plugins.opengl.viewing.views import fitted, sheet

AWAY, LENS = 3.2, math.radians(40)
BEHIND = torch.tensor([[0.25, 0.45, 0.65]])
LAMP = DirectionalLight(torch.tensor([[0.3, 0.6, 0.75]]), torch.full((1, 3), 0.65), torch.full((1, 3), 0.35))


def ball(cells: int) -> Mesh:
    """A white ball folded from a square of cells x cells pairs of triangles, so that a square is its texture.

    The square's corners and its border meet at the far pole (the octahedral map: Praun & Hoppe 2003).
    """
    line = torch.linspace(-1, 1, cells + 1, dtype=torch.float64)
    y, x = torch.meshgrid(line, line, indexing="ij")
    z = 1 - x.abs() - y.abs()
    fold = z < 0
    sign_x, sign_y = torch.where(x < 0, -1.0, 1.0), torch.where(y < 0, -1.0, 1.0)
    x, y = torch.where(fold, (1 - y.abs()) * sign_x, x), torch.where(fold, (1 - x.abs()) * sign_y, y)
    points = torch.nn.functional.normalize(torch.stack([x, y, z], -1).reshape(-1, 3), dim=1)
    places, welded = torch.unique((points * 1e6).round().long(), dim=0, return_inverse=True)
    vertices = torch.zeros(len(places), 3, dtype=torch.float64).index_copy(0, welded, points)
    number = torch.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    a, b, c, d = (number[i:cells + i, j:cells + j].reshape(-1) for i, j in ((0, 0), (0, 1), (1, 1), (1, 0)))
    middle = (line[:-1] + line[1:]) / 2
    along = ((middle[:, None] * middle) < 0).reshape(-1, 1)                 # creases do not cut through triangles
    one = torch.where(along, torch.stack([a, b, c], 1), torch.stack([a, b, d], 1))
    two = torch.where(along, torch.stack([a, c, d], 1), torch.stack([b, c, d], 1))
    corners = torch.cat([one, two])
    uv = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).reshape(1, -1, 2) / 2 + 0.5
    return Mesh(vertices[None].float(), Topology(welded[corners], corners), uv=uv.float())


def smoother(faces: Tensor, count: int, strength: float) -> Tensor:
    """(I + strength L)^-1, (V, V), L the graph's Laplacian: steps along it move the surface as a whole.

    Nicolet, Jacobson, Jakob 2021, eq. 6.
    """
    sides = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    near = torch.zeros(count, count, dtype=torch.float64)
    near[sides[:, 0], sides[:, 1]] = 1
    near = torch.maximum(near, near.T).fill_diagonal_(0)
    return torch.linalg.inv(torch.eye(count) + strength * (near.sum(1).diag() - near)).float()


@attrs.frozen
class Task:
    """Pictures (N, 3, H, W) of an object, and the angles (N, 2) from which they were really taken, in radians."""

    truth: Mesh
    angles: Tensor
    pictures: Tensor

    @classmethod
    def of(cls, truth: Mesh, views: int, size: int, dice: torch.Generator) -> Task:
        """Pictures from all around."""
        azimuth = (torch.arange(views) + 0.5 * torch.rand(views, generator=dice)) * 2 * math.pi / views
        elevation = torch.rand(views, generator=dice) * 1.4 - 0.5
        angles = torch.stack([azimuth, elevation], 1)
        return cls(truth, angles, seen(truth, angles, size).colour)


def seen(mesh: Mesh, angles: Tensor, size: int, smooth: bool = True) -> Rendering:
    """A mesh from these angles (B, 2)."""
    camera = Camera(orbiting(angles[:, 0], angles[:, 1], AWAY), perspective(LENS))
    return draw(mesh, camera, (size, size), light=LAMP, background=BEHIND, smooth=smooth, cull=False, geometry=False)


def fit(task: Task, guess: Tensor, *, steps: int, batch: int, cells: int, texels: int, smooth: bool,
        dice: torch.Generator) -> tuple[Mesh, Tensor]:
    """The mesh and the angles whose pictures are the task's; the first angles are known, the others guessed."""
    size = task.pictures.shape[-1]
    start = ball(cells)
    spread = smoother(start.faces, start.vertices.shape[1], 10.0)
    handles = torch.linalg.solve(spread, 0.5 * start.vertices[0]).requires_grad_()
    texture = torch.full((1, 3, texels, texels), 0.6).requires_grad_()
    turn = torch.zeros_like(guess).requires_grad_()
    known = torch.ones(len(guess), 1).index_fill(0, torch.tensor([0]), 0)
    groups = [{"params": [handles], "lr": 0.03, "betas": (0.9, 0.99)}, {"params": [texture], "lr": 0.01},
              {"params": [turn], "lr": 0.005}]
    optimizer = torch.optim.Adam(groups)
    decay = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: 0.1 ** (n / steps))

    def mesh() -> Mesh:
        return Mesh((spread @ handles)[None], start.topology, uv=start.uv, texture=texture)

    for step in range(steps):
        chosen = torch.randperm(len(guess), generator=dice)[:batch]
        colour = seen(mesh(), (guess + known * turn)[chosen], size, smooth).colour
        loss = (colour - task.pictures[chosen]).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        decay.step()
        with torch.no_grad():
            texture.clamp_(0, 1)
        if step % 50 == 0:
            print(f"  step {step:4}: difference {loss.item():.4f}", flush=True)
    with torch.no_grad():
        return mesh(), guess + known * turn


def measured(found: Mesh, angles: Tensor, task: Task, dice: torch.Generator) -> dict[str, float]:
    """How far it is from the truth: on sides that were not seen, in space, and in angles."""
    unseen = Task.of(task.truth, 16, 128, dice)
    with torch.no_grad():
        ours, theirs = seen(found, unseen.angles, 128), seen(task.truth, unseen.angles, 128)
    a, b = ours.alpha > 0.5, theirs.alpha > 0.5
    error = (ours.colour - theirs.colour).square().mean()
    turned = orbiting(angles[:, 0], angles[:, 1])[:, :3, :3] @ orbiting(*task.angles.unbind(1))[:, :3, :3].mT
    cosine = (turned.diagonal(dim1=1, dim2=2).sum(1) - 1) / 2
    return {"IoU": float(((a & b).sum((1, 2, 3)) / (a | b).sum((1, 2, 3))).mean()),
            "PSNR": float(-10 * error.log10()),
            "Chamfer": apart(found, task.truth, dice),
            "degrees": float(cosine.clamp(-1, 1).acos()[1:].mean().rad2deg())}


def apart(one: Mesh, other: Mesh, dice: torch.Generator, count: int = 10_000) -> float:
    """The Chamfer distance: from points on each surface to the nearest on the other, the mean of both means."""
    p, q = on_surface(one, count, dice), on_surface(other, count, dice)
    there, back = (sum(float(torch.cdist(some, b).amin(1).sum()) for some in a.split(1000)) / count
                   for a, b in ((p, q), (q, p)))
    return (there + back) / 2


def on_surface(mesh: Mesh, count: int, dice: torch.Generator) -> Tensor:
    """Points spread evenly over a surface, (count, 3)."""
    a, b, c = mesh.vertices[0][mesh.faces].unbind(1)
    area = (b - a).cross(c - a, dim=1).norm(dim=1)
    face = torch.multinomial(area, count, replacement=True, generator=dice)
    u, v = torch.rand(2, count, 1, generator=dice)
    u, v = torch.where(u + v > 1, 1 - u, u), torch.where(u + v > 1, 1 - v, v)
    return a[face] + u * (b - a)[face] + v * (c - a)[face]


def page(task: Task, found: Mesh, count: int = 6, size: int = 128) -> list[list]:
    """From new sides: the truth above what was found, in colour and as bare shape."""
    angles = torch.stack([(torch.arange(count) + 0.25) * 2 * math.pi / count, torch.full((count,), 0.3)], 1)
    bare = Mesh(found.vertices, found.topology)
    with torch.no_grad():
        rows = [seen(m, angles, size).colour for m in (task.truth, found, bare)]
    return [[(p * 255).round().byte().permute(1, 2, 0).numpy() for p in row.clamp(0, 1)] for row in rows]


def main() -> None:
    """Read, fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mesh", type=Path, help="an .obj, .ply or .glb file")
    parser.add_argument("--out", type=Path, help="a folder for fitted.glb and fitted.png")
    parser.add_argument("--crisp", action="store_true", help="without the gradients of outlines")
    parser.add_argument("--steps", type=int, default=500, help="of gradient descent (default: 500)")
    parser.add_argument("--batch", type=int, default=8, help="pictures in a step (default: 8)")
    parser.add_argument("--views", type=int, default=32, help="pictures in all (default: 32)")
    parser.add_argument("--size", type=int, default=64, help="of a picture, in pixels (default: 64)")
    parser.add_argument("--cells", type=int, default=44, help="of the ball's grid, along a side (default: 44)")
    parser.add_argument("--texels", type=int, default=64, help="of the texture, along a side (default: 64)")
    parser.add_argument("--off", type=float, default=10.0, help="degrees by which viewpoints are guessed wrong at most "
                        "(default: 10)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    dice = torch.Generator().manual_seed(given.seed)
    task = Task.of(fitted(read_mesh(given.mesh)), given.views, given.size, dice)
    off = math.radians(given.off) * (2 * torch.rand(given.views, 2, generator=dice) - 1)
    off[0] = 0                                     # else all could be turned alike
    begin = time.process_time()
    mesh, angles = fit(task, task.angles + off, steps=given.steps, batch=given.batch, cells=given.cells,
                       texels=given.texels, smooth=not given.crisp, dice=dice)
    spent = time.process_time() - begin
    before = measured(Mesh(0.5 * ball(given.cells).vertices, mesh.topology), task.angles + off, task, dice)
    after = measured(mesh, angles, task, dice)
    for name in after:
        print(f"{name:>8}: {before[name]:8.4f} -> {after[name]:8.4f}")
    print(f"Chamfer distance of the truth to itself, of other points: {apart(task.truth, task.truth, dice):.4f}")
    print(f"{spent:.0f} s of a core")
    if given.out:
        print(f"wrote {write_mesh(given.out / 'fitted.glb', mesh)}")
        print(f"wrote {write_still(given.out / 'fitted.png', sheet(page(task, mesh)))}")


if __name__ == "__main__":
    main()
