"""Heads that were learned from single images, against the normals and masks that the training never saw.

    python tests/benchmarks/shape3d_faces.py RUN [RUN ...] --faces faces_rendered.npz --out faces.png

Nobody knows which true head a made one is, so means are compared, over the yaws of the data: how wide the silhouette is
(in widths of the image), and the mean normal of every pixel that most heads cover (`angle`, in degrees; `nx r`, the
correlation of its part to the right, is negative for a hollow face).
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from shape3d_truth import correlation, told

import unbraid
from unbraid_plugins.opengl.shading.draw import draw
from unbraid_plugins.tools.display import Row, write_rows


def true_heads(file: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Yaws (Y,) in degrees, masks (Y, N, H, W) and normals (Y, N, H, W, 3) of all identities and expressions."""
    with np.load(file) as d:
        rows = [np.flatnonzero(d["albedo_factors"][:, 2] == y) for y in range(len(d["yaw_degrees"]))]
        masks, normals = d["masks"], d["normals_world"].astype(np.float32) / 127
        return d["yaw_degrees"], np.stack([masks[r] > 127 for r in rows]), np.stack([normals[r] for r in rows])


@torch.inference_mode()
def made_heads(model: Any, yaws: np.ndarray, count: int, size: int) -> tuple[np.ndarray, np.ndarray, torch.Tensor]:
    """Masks, normals and images (Y, N, ...) of heads made of noise."""
    numbers = model.method.parameters["look"]["z"].shape[1]
    z = torch.randn(count, numbers, generator=torch.Generator().manual_seed(0))
    mesh, found = model.solid(z), []
    for yaw in yaws:
        view = torch.tensor([[math.radians(yaw), 0.0]]).expand(count, 2)
        render = model.modules["render"]
        out = draw(mesh, render._camera(view), (size, size), cull=render.options.cull)
        found.append(((out.alpha[:, 0] > 0.5).numpy(), out.normals.permute(0, 2, 3, 1).numpy(), model.look(z, view)))
    masks, normals, images = zip(*found, strict=True)
    return np.stack(masks), np.stack(normals), torch.stack(images)


def mean_normals(masks: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean unit normal (Y, H, W, 3), and the share of heads (Y, H, W) that cover a pixel."""
    total = (normals * masks[..., None]).sum(1)
    return total / np.linalg.norm(total, axis=-1, keepdims=True).clip(1e-6), masks.mean(1)


def report(made: tuple[np.ndarray, np.ndarray], truth: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    """The numbers of the table."""
    widths, true_widths = (masks.any(2).mean((1, 2)) for masks, _ in (made, truth))
    (mean, share), (true_mean, true_share) = mean_normals(*made), mean_normals(*truth)
    both = (share > 0.5) & (true_share > 0.5)
    angle = np.degrees(np.arccos((mean * true_mean).sum(-1).clip(-1, 1)))[both].mean()
    each = [correlation(a[m][:, 0], b[m][:, 0]) for a, b, m in zip(mean, true_mean, both, strict=True)]
    overlap = both.sum() / ((share > 0.5) | (true_share > 0.5)).sum()
    return {"width error": float(np.abs(widths - true_widths).mean()), "overlap of means": float(overlap),
            "angle": float(angle), "nx r": float(np.mean(each)), "nx r at the worst yaw": float(np.min(each))}


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--count", type=int, default=96)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    yaws, *truth = true_heads(asked.faces)
    masks, normals = truth
    forward = np.zeros_like(normals)
    forward[..., 2] = 1
    told("a sheet, facing front", report((masks, forward), (masks, normals)))
    with np.load(asked.faces) as d:
        rows = [Row(np.stack([d["images"][(d["factors"] == (i, 0, y, 1)).all(1)][0, ::2, ::2].transpose(2, 0, 1) / 255
                              for y in range(len(yaws))]), "a head of the data") for i in (0, 7)]
    for run in asked.runs:
        model = unbraid.load(run)
        *made, images = made_heads(model, yaws, asked.count, masks.shape[-1])
        told(run.name, {"step": model.step, **report((made[0], made[1]), (masks, normals))})
        rows += [Row(images[:, i].numpy(), f"{run.name}, head {i + 1}") for i in range(4)]
        rows.append(Row(made[1][:, 0].transpose(0, 3, 1, 2)[..., ::2, ::2] / 2 + 0.5, f"{run.name}, head 1, normals"))
    if asked.out:
        print("wrote", write_rows(asked.out, rows, 2))


if __name__ == "__main__":
    main()
