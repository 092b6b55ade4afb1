"""Shapes that were learned from single images, against the true ones that the training never saw.

    python tests/benchmarks/shape3d_truth.py RUN [RUN ...] --objects objects_multiview.npz --out shape3d.png

Nobody knows which true object a made one is, so distributions are compared, over the azimuths of the data: how wide
the silhouette is (in widths of the image), how far depth reaches (in units of the world), whether the middle is nearer
than the rim (`nose`), and the mean depth map (`depth r`). A model's zero of azimuth is free: it is turned by the
multiple of 15 degrees whose mean images fit best. Of a trained encoder the views, silhouettes and depth of single test
images are judged, too.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch

import unbraid
from unbraid.data import open_data
from unbraid_configs import load_recipe
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.shading.draw import draw
from unbraid_plugins.papers.shape3d.viewpoints import angles
from unbraid_plugins.shared.metrics import depth_error, silhouette_iou, viewpoint_error
from unbraid_plugins.tools.display import Row, write_rows

STEP = 15                                          # degrees between the azimuths of the data
ELEVATIONS = (10.0, 25.0, 40.0)
RIM = 0.25                                         # of the covered pixels are the outer ones


@attrs.frozen(eq=False)
class Views:
    """images (A, N, C, H, W), masks (A, N, H, W) and depth (A, N, H, W), NaN where nothing is, of A azimuths."""

    images: np.ndarray
    masks: np.ndarray
    depth: np.ndarray

    def turned(self, by: int) -> Views:
        return Views(*(np.roll(x, by, 0) for x in (self.images, self.masks, self.depth)))

    def widths(self) -> np.ndarray:
        """The mean share of the image's columns that are covered, (A,)."""
        return self.masks.any(2).mean((1, 2))

    def heights(self) -> np.ndarray:
        return self.masks.any(3).mean((1, 2))

    def extents(self) -> np.ndarray:
        """The mean distance between the nearest and the farthest 2 % of the covered pixels, (A,); 0 where none is."""
        by = [[np.ptp(np.nanpercentile(d, (2, 98))) for d in some if np.isfinite(d).sum() > 20] for some in self.depth]
        return np.asarray([np.mean(found) if found else 0.0 for found in by])

    def nose(self) -> float:
        """The share of images whose middle is nearer than their rim."""
        found = []
        for mask, depth in zip(self.masks.reshape(-1, *self.masks.shape[2:]),
                               self.depth.reshape(-1, *self.depth.shape[2:]), strict=True):
            known = mask & np.isfinite(depth)
            if known.sum() > 20:
                y, x = np.nonzero(known)
                far = ((y - y.mean()) / y.std()) ** 2 + ((x - x.mean()) / x.std()) ** 2
                inner = far < np.quantile(far, 1 - RIM)
                found.append(depth[y, x][inner].mean() < depth[y, x][~inner].mean())
        return float(np.mean(found))

    def mean_depth(self) -> tuple[np.ndarray, np.ndarray]:
        """Depth beside each image's median, averaged (A, H, W), and how often a pixel is covered."""
        covered = np.isfinite(self.depth)
        middle = [[np.median(d[c]) if c.any() else 0.0 for d, c in zip(*some, strict=True)]
                  for some in zip(self.depth, covered, strict=True)]
        beside = self.depth - np.asarray(middle)[:, :, None, None]
        return np.where(covered, beside, 0).sum(1) / covered.sum(1).clip(1), covered.mean(1)


def true_views(file: Path, category: int, rows: np.ndarray | None = None) -> Views:
    """All images of a category, elevations side by side."""
    with np.load(file) as d:
        factors = d["factors"]
        kept = np.flatnonzero(factors[:, 1] == category)
        images, masks, depth = (d[k][kept] for k in ("images", "masks", "depth"))
        azimuth = factors[kept, 2]
    depth = np.where((depth > 0) & (masks > 127), depth.astype(np.float32), np.nan)
    images = images.transpose(0, 3, 1, 2).astype(np.float32) / 255
    if rows is not None:
        return Views(images[rows], masks[rows] > 127, depth[rows])
    by = [np.flatnonzero(azimuth == a) for a in range(360 // STEP)]
    return Views(*(np.stack([x[rows] for rows in by]) for x in (images, masks > 127, depth)))


def seen(model: Any, mesh: Mesh, view: torch.Tensor, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Masks and depth (B, H, W) of meshes as the model's own camera sees them."""
    out = draw(mesh, model.modules["render"]._camera(view), (size, size), cull=model.modules["render"].options.cull)
    mask = (out.alpha[:, 0] > 0.5).numpy()
    return mask, np.where(mask & (out.ids >= 0).numpy(), out.depth[:, 0].numpy(), np.nan)


@torch.inference_mode()
def made_views(model: Any, count: int, size: int) -> Views:
    """Objects of noise from all azimuths and elevations of the data."""
    numbers = model.method.parameters["look"]["z"].shape[1]
    z = torch.randn(count, numbers, generator=torch.Generator().manual_seed(0))
    mesh, found = model.solid(z), []
    for azimuth in range(0, 360, STEP):
        parts = []
        for elevation in ELEVATIONS:
            view = torch.tensor([[math.radians(azimuth), math.radians(elevation)]]).expand(count, 2)
            parts.append((model.look(z, view).numpy(), *seen(model, mesh, view, size)))
        found.append([np.concatenate(p) for p in zip(*parts, strict=True)])
    return Views(*(np.stack(x) for x in zip(*found, strict=True)))


def best_turn(made: Views, truth: Views) -> int:
    """By how many steps the made views are to be turned so that their mean images are most like the true ones."""
    factor = truth.images.shape[-1] // made.images.shape[-1]
    true = truth.images.mean(1)
    true = true.reshape(*true.shape[:2], true.shape[2] // factor, factor, true.shape[3] // factor, factor).mean((3, 5))
    mean = made.images.mean(1)
    return int(np.argmin([np.square(np.roll(mean, by, 0) - true).mean() for by in range(len(mean))]))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-9 and b.std() > 1e-9 else 0.0


def report(made: Views, truth: Views) -> dict[str, float]:
    """The numbers of the table."""
    width, true_width, extent, true_extent = made.widths(), truth.widths(), made.extents(), truth.extents()
    (depth, share), (true_depth, true_share) = made.mean_depth(), truth.mean_depth()
    both = (share > 0.5) & (true_share > 0.5)
    signs = [correlation(d[m], t[m]) for d, t, m in zip(depth, true_depth, both, strict=True) if m.sum() > 20]
    return {"width error": float(np.abs(width - true_width).mean()), "width r": correlation(width, true_width),
            "narrowest": float(width.min()), "widest": float(width.max()),
            "height error": float(np.abs(made.heights() - truth.heights()).mean()),
            "extent": float(extent.mean()), "extent error": float(np.abs(extent - true_extent).mean()),
            "extent r": correlation(extent, true_extent), "nose": made.nose(),
            "depth r": float(np.mean(signs)) if signs else 0.0,
            "inverted": float(np.mean(np.asarray(signs) < 0)) if signs else 1.0}


def test_images(run: Path) -> tuple[torch.Tensor, np.ndarray, np.ndarray, np.ndarray]:
    """The images that the training did not see, their rows of the category, azimuths and elevations in degrees."""
    recipe = load_recipe(run / "recipe.yaml")
    data = open_data(recipe.data, seed=recipe.train.seed)
    rows = data.rows("test")
    found = (data.images(rows), rows, STEP * data.field("azimuth", rows).index.numpy(),
             np.asarray(ELEVATIONS)[data.field("elevation", rows).index.numpy()])
    data.close()
    return found


@torch.inference_mode()
def turned_images(model: Any, run: Path, count: int = 3) -> list[Row]:
    """Test images, their copies, and views of what was found in them, each 45 degrees further."""
    rows = []
    for x in test_images(run)[0][5:5 + 7 * count:7]:
        f = model.encode(x[None])
        view = angles(f.view.tensor)
        turned = [model.novel_view(x[None], view + torch.tensor([[math.radians(a), 0.0]])) for a in range(45, 360, 45)]
        rows.append(Row(torch.cat([x[None], model.decode(f), *turned]).numpy(), "a test image", "its copy, turned"))
    return rows


def as_large(images: np.ndarray, truth: Views) -> np.ndarray:
    """Images (..., H, W) whose pixels are as many of the truth's as fit."""
    times = truth.images.shape[-1] // images.shape[-1]
    return images.repeat(times, -2).repeat(times, -1)


@torch.inference_mode()
def inverted_images(model: Any, run: Path, file: Path, category: int) -> dict[str, float]:
    """What the encoder finds in the test images."""
    x, rows, azimuth, elevation = test_images(run)
    truth, f = true_views(file, category, rows), model.encode(x)
    view = angles(f.view.tensor)
    masks, depth = seen(model, model.mesh_of(x), view, truth.masks.shape[-1])
    both = masks & np.isfinite(depth) & np.isfinite(truth.depth)
    good = both.sum((1, 2)) > 20
    views, depths = viewpoint_error(view[:, 0].numpy(), np.radians(azimuth)), depth_error(
        np.nan_to_num(depth[good], nan=3.0), np.nan_to_num(truth.depth[good], nan=3.0), both[good])
    return {"images": len(rows), "rebuild L1": float((model.decode(f) - x).abs().mean()),
            "white L1": float((1 - x).abs().mean()), "azimuth median": views.median,
            "within 15": views.within[15], "within 30": views.within[30], "turned": views.rotation,
            "mirrored": float(views.reflected),
            "elevation error": float(np.abs(view[:, 1].rad2deg().numpy() - elevation).mean()),
            "silhouette IoU": silhouette_iou(masks, truth.masks).score, "depth error": depths.score,
            "depth r": float(np.nanmean(depths.correlation)), "inverted": depths.inverted}


def told(name: str, numbers: dict[str, float]) -> None:
    print(f"{name:24} " + ", ".join(f"{k} {v:.3f}" for k, v in numbers.items()), flush=True)


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--objects", type=Path, required=True)
    parser.add_argument("--category", type=int, default=3)
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    truth, curves = true_views(asked.objects, asked.category), {}
    told("truth", report(truth, truth))
    rows = [Row(truth.images[::2, i], "a car of the data") for i in (1, 25)]
    curves["truth"] = truth.widths()
    for run in asked.runs:
        model = unbraid.load(run)
        made = made_views(model, asked.count, truth.masks.shape[-1])
        turn = best_turn(made, truth)
        made = made.turned(turn)
        told(run.name, {"step": model.step, "turned": STEP * turn, **report(made, truth)})
        curves[run.name] = made.widths()
        views = as_large(made.images[::2, asked.count:asked.count + 2].swapaxes(0, 1), truth)
        rows += [Row(images, f"{run.name}, object {i + 1}") for i, images in enumerate(views)]
        if "encoder" in model.modules and model.step > load_recipe(run / "recipe.yaml").players["encoder"].from_step:
            told(f"{run.name}, encoded", inverted_images(model, run, asked.objects, asked.category))
            rows += [attrs.evolve(row, images=as_large(row.images, truth)) for row in turned_images(model, run)]
    for name, curve in curves.items():
        print(f"{name:24} width at 0, 30, ... 330: " + " ".join(f"{w:.2f}" for w in curve[::2]))
    if asked.out:
        print("wrote", write_rows(asked.out, rows))


if __name__ == "__main__":
    main()
