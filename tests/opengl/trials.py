"""What a differentiable renderer must do, measured: errors of its gradients, and whether they lead anywhere.

Every trial takes a renderer: vertices (B, V, 3), faces (F, 3), colours (1, V, C), a camera, a size and a background
(1, C) -> images (B, C, H, W). The light versions are tests, the full ones `tests/benchmarks/renderer_gradients.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import torch
from solids import bumpy, icosphere
from torch import Tensor

from unbraid_plugins.opengl.raster.rasterize import Backend, rasterize
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.topology import Topology
from unbraid_plugins.opengl.shading.draw import draw

Renderer = Callable[[Tensor, Tensor, Tensor, Camera, tuple[int, int], Tensor], Tensor]


def ours(backend: Backend = "auto", *, smooth: bool = True, cull: bool = False) -> Renderer:
    """Our renderer with options."""
    def render(vertices: Tensor, faces: Tensor, colours: Tensor, camera: Camera, size: tuple[int, int],
               background: Tensor) -> Tensor:
        return draw(Mesh(vertices, Topology(faces), colours), camera, size, background=background, cull=cull,
                    smooth=smooth, geometry=False, backend=backend).colour
    return render


def waves(n: int) -> Tensor:
    """Smooth numbers over an image, (n, n)."""
    c = (torch.arange(n) + 0.5) / n * 2 - 1
    return 1 + 0.5 * torch.sin(2 * c[None, :] + 0.5) + 0.5 * torch.cos(3 * c[:, None] - 0.3)


def three_views() -> Camera:
    """Of the origin, from all around."""
    return Camera(orbiting(torch.tensor([0.2, 1.5, 2.9]), torch.tensor([0.3, -0.2, 0.7]), 4.0),
                  perspective(math.radians(36)))


def head_on(height: float = 2.0) -> Camera:
    """A camera 4 in front of the origin that sees `height` of the plane through it."""
    zero = torch.zeros(1, dtype=torch.float64)
    return Camera(orbiting(zero, zero, 4.0), perspective(2 * math.atan(height / 8)).double())


def mask(render: Renderer, vertices: Tensor, faces: Tensor, camera: Camera, size: int) -> Tensor:
    """White on black, (B, H, W)."""
    white = vertices.new_ones(1, vertices.shape[1], 1)
    return render(vertices, faces, white, camera, (size, size), vertices.new_zeros(1, 1))[:, 0]


def relative(found: Tensor, expected: Tensor) -> float:
    """The length of the error by that of the expected."""
    return float((found - expected).norm() / expected.norm())


@cache
def _silhouettes_that_move(level: int, fine: int, fields: int) -> tuple[Tensor, Tensor, list[Tensor], Tensor, Tensor]:
    """A ball's vertices and faces, how they may move, how fast the areas in 3 views change then, and the areas."""
    vertices, faces = bumpy(level)
    vertices, step, camera = vertices.float(), 0.02, three_views()

    def area(v: Tensor) -> Tensor:
        clip = camera.clip(camera.seen(v[None].expand(3, -1, -1)))
        return torch.stack([((rasterize(c[None], faces, (fine, fine))[0] >= 0) * waves(fine)).mean() for c in clip])

    dice = torch.Generator().manual_seed(0)
    moves = [torch.sin(vertices @ torch.randn(3, 3, generator=dice) + 6 * torch.rand(3, generator=dice))
             @ torch.randn(3, 3, generator=dice) * 0.5 for _ in range(fields)]
    measured = torch.stack([(area(vertices + step * d) - area(vertices - step * d)) / (2 * step) for d in moves])
    return vertices, faces, moves, measured, area(vertices)


def silhouette_error(render: Renderer, level: int, size: int, *, fine: int = 2048, fields: int = 10,
                     ) -> tuple[float, float]:
    """Trial 1: of a weighted area of a bumpy ball in 3 views, moved along smooth fields; the area's bias is second.

    Against central differences of areas that OpenGL, or torch without it, finds with fine x fine pixels.
    """
    vertices, faces, moves, measured, true = _silhouettes_that_move(level, fine, fields)
    camera = three_views()
    leaf = vertices.clone().requires_grad_()
    drawn = (mask(render, leaf[None].expand(3, -1, -1), faces, camera, size) * waves(size)).mean((1, 2))
    slopes = [torch.autograd.grad(drawn[i], leaf, retain_graph=True, allow_unused=True)[0] for i in range(3)]
    found = torch.stack([torch.stack([d.new_zeros(()) if s is None else (s * d).sum() for s in slopes]) for d in moves])
    return relative(found, measured), float(((drawn.detach() - true) / true).mean())


def triangle_error(render: Renderer, size: int, *, shifts: int = 100) -> tuple[float, float]:
    """Trial 3: of the area of one triangle, over places between the pixels, against the formula; and the area's."""
    corners = torch.tensor([[-0.5, -0.4, 0], [0.55, -0.3, 0], [0.1, 0.6, 0]], dtype=torch.float64)
    dice = torch.Generator().manual_seed(0)
    moved = corners.repeat(shifts, 1, 1)
    moved[:, :, :2] += (torch.rand(shifts, 1, 2, generator=dice, dtype=torch.float64) - 0.5) * 2 / size
    leaf = moved.requires_grad_()
    area = mask(render, leaf, torch.tensor([[0, 1, 2]]), head_on(), size).sum() * (2 / size)**2 / shifts
    exact = corners.clone().requires_grad_()
    a, b = exact[1] - exact[0], exact[2] - exact[0]
    true = (a[0] * b[1] - a[1] * b[0]) / 2
    slope = torch.autograd.grad(area + 0 * leaf.sum(), leaf)[0].sum(0)[:, :2]
    return (relative(slope, torch.autograd.grad(true, exact)[0][:, :2]), float(area.detach() / true.detach() - 1))


def occlusion_error(render: Renderer, size: int, *, shifts: int = 16, fine: int = 1024, fields: int = 6) -> float:
    """Trial 4: of the colours where one triangle is before another and a background, against fine images of ours."""
    corners = torch.tensor([[-.7, -.6, .3], [.6, -.5, .2], [.05, .75, .4], [-.3, -.9, -.5], [.95, .1, -.4],
                            [-.1, .9, -.3]], dtype=torch.float64)
    faces = torch.arange(6).reshape(2, 3)
    colours = torch.tensor([[1.0, 0, 0]] * 3 + [[0, 0.8, 0.2]] * 3, dtype=torch.float64)[None]
    behind = torch.tensor([[0.1, 0.2, 0.9]], dtype=torch.float64)
    camera, step, dice = head_on(), 0.01, torch.Generator().manual_seed(1)

    def brightness(draws: Renderer, v: Tensor, n: int) -> Tensor:
        c = (torch.arange(n) + 0.5) / n * 2 - 1
        weight = torch.sin(3 * c[None, :] + 0.5) + torch.cos(2 * c[:, None] - 0.3)
        image = draws(v, faces, colours, camera, (n, n), behind)
        return (image * torch.stack([weight + 1, 0.5 * weight - 1, weight.flip(0)])).mean()

    leaf = corners.repeat(shifts, 1, 1)
    leaf[:, :, :2] += (torch.rand(shifts, 1, 2, generator=dice, dtype=torch.float64) - 0.5) * 2 / size
    slope = torch.autograd.grad(brightness(render, leaf.requires_grad_(), size), leaf)[0].sum(0)
    found, measured, crisp = [], [], ours(smooth=False)
    for _ in range(fields):
        d = torch.randn(1, 6, 3, generator=dice, dtype=torch.float64)
        ends = [brightness(crisp, corners + sign * step * d, fine) for sign in (1, -1)]
        measured.append((ends[0] - ends[1]) / (2 * step))
        found.append((slope * d).sum())
    return relative(torch.stack(found), torch.stack(measured))


def turning(vector: Tensor) -> Tensor:
    """Rotations (B, 3, 3) by vectors (B, 3), in radians."""
    x, y, z = vector.unbind(1)
    o = torch.zeros_like(x)
    return torch.linalg.matrix_exp(torch.stack([o, -z, y, z, o, -x, -y, x, o], 1).reshape(-1, 3, 3))


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of masks (B, H, W), (B,)."""
    a, b = a > 0.5, b > 0.5
    return (a & b).sum((1, 2)) / (a | b).sum((1, 2)).clamp_min(1)


def blurred(images: Tensor, width: int) -> Tensor:
    """Means over windows, (B, H, W)."""
    return torch.nn.functional.avg_pool2d(images[:, None], width, 1, width // 2, count_include_pad=False)[:, 0]


def pose_recovery(render: Renderer, *, trials: int = 24, size: int = 32, steps: int = 120, seed: int = 0) -> float:
    """Trial 5: how many poses are found from 0.6 to 0.9 rad off, by silhouettes from the front and the side at 32 x 32.

    Adam on the rotation vector, on silhouettes that are blurred less and less; found is an overlap above 0.97 at 256.
    """
    vertices, faces = bumpy(3)
    vertices = vertices.float() * torch.tensor([1.2, 0.8, 0.55])
    dice = torch.Generator().manual_seed(seed)
    sides = torch.tensor([0.0, math.pi / 2]).repeat(trials)
    camera = Camera(orbiting(sides, 0 * sides, 4.0), head_on(2.2).projection.float())

    def shown(renderer: Renderer, turned: Tensor, n: int) -> Tensor:
        return mask(renderer, turned.repeat_interleave(2, 0), faces, camera, n)

    truth = torch.randn(trials, 3, generator=dice)
    off = torch.nn.functional.normalize(torch.randn(trials, 3, generator=dice), dim=1)
    off = off * (0.6 + 0.3 * torch.rand(trials, 1, generator=dice))
    goal = vertices @ turning(truth).mT
    target = shown(render, goal, size).detach()
    vector = torch.zeros(trials, 3, requires_grad=True)
    start = turning(off) @ turning(truth)
    adam = torch.optim.Adam([vector], lr=0.08)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps, 0.002)
    for step in range(steps):
        width = max(1, 2 * int(5 * (1 - 2 * step / steps)) + 1)
        seen = shown(render, vertices @ (turning(vector) @ start).mT, size)
        loss = (blurred(seen, width) - blurred(target, width)).square().mean((1, 2)).sum()
        adam.zero_grad()
        (loss + 0 * vector.sum()).backward()
        adam.step()
        schedule.step()
    with torch.no_grad():
        crisp = ours(smooth=False)
        found, true = (shown(crisp, v, 256) for v in (vertices @ (turning(vector) @ start).mT, goal))
    return float((overlap(found, true).reshape(-1, 2).amin(1) > 0.97).float().mean())


def fit_overlap(render: Renderer, *, steps: int = 80, size: int = 64, level: int = 3) -> float:
    """Trial 5: a ball becomes a bumpy one by 8 silhouettes; its overlap in 4 other views at 256 x 256."""
    goal, faces = bumpy(4)
    ball, ball_faces = icosphere(level)
    topology = Topology(ball_faces)
    angles = torch.arange(8) * (2 * math.pi / 8)
    camera = Camera(orbiting(angles, 0.6 * torch.sin(3 * angles), 4.0), perspective(math.radians(36)))
    other = Camera(orbiting(angles[:4] * 2 + 0.4, 0.3 * torch.cos(angles[:4]), 4.0), perspective(math.radians(36)))
    crisp = ours(smooth=False)
    with torch.no_grad():
        fine = mask(crisp, goal.float().expand(8, -1, -1), faces, camera, 512)
        target = torch.nn.functional.avg_pool2d(fine[:, None], 512 // size)[:, 0]
    ball = 0.8 * ball.float()
    moves = torch.zeros_like(ball).requires_grad_()
    adam = torch.optim.Adam([moves], lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps, 0.001)
    a, b = topology.edges.unbind(1)
    for _ in range(steps):
        shape = ball + moves
        seen = mask(render, shape.expand(8, -1, -1), ball_faces, camera, size)
        mean = torch.zeros_like(moves).index_add(0, a, moves[b]).index_add(0, b, moves[a])
        degree = torch.zeros(len(moves), 1).index_add(0, topology.edges.flatten(), torch.ones(2 * len(a), 1))
        loss = (seen - target).square().mean() + 0.05 * (moves - mean / degree).square().sum(1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
    with torch.no_grad():
        found, true = (mask(crisp, v.float().expand(4, -1, -1), f, other, 256)
                       for v, f in ((ball + moves, ball_faces), (goal, faces)))
    return float(overlap(found, true).mean())
