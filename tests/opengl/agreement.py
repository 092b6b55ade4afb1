"""Images of an independent renderer, drawn again by ours from the same meshes, with the same cameras and light."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import attrs
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from unbraid_plugins.opengl.raster.rasterize import Backend
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.light import DirectionalLight
from unbraid_plugins.opengl.scene.mesh_files import read_mesh
from unbraid_plugins.opengl.shading.draw import draw

SAMPLES = 3                                        # along each side of a pixel, as theirs has


@attrs.frozen(eq=False)
class Views:
    """Pictures of one mesh: colour (B, 3, H, W), alpha and depth (B, 1, H, W), 0 where nothing is."""

    colour: Tensor
    alpha: Tensor
    depth: Tensor


@attrs.frozen(eq=False)
class Theirs:
    """The file `rendered/objects_multiview.npz` and the folder of its meshes."""

    arrays: dict[str, np.ndarray]
    meshes: Path

    @classmethod
    def of(cls, shared: Path) -> Theirs:
        """The shared data in their places."""
        with np.load(shared / "data/rendered/objects_multiview.npz") as file:
            return cls({name: file[name] for name in file.files}, shared / "data/meshes")

    @property
    def names(self) -> list[str]:
        """The meshes' file names."""
        return [str(name) for name in self.arrays["mesh_names"]]

    def numbers(self, mesh: int) -> np.ndarray:
        """The numbers of the images of a mesh."""
        return np.nonzero(self.arrays["factors"][:, 0] == mesh)[0]

    def views(self, images: Sequence[int] | np.ndarray) -> Views:
        """What they drew."""
        colour, alpha, depth = (torch.from_numpy(self.arrays[name][images].astype(np.float32))
                                for name in ("images", "masks", "depth"))
        return Views(colour.permute(0, 3, 1, 2) / 255, alpha[:, None] / 255, depth[:, None])

    def camera(self, images: Sequence[int] | np.ndarray) -> Camera:
        """Where they drew it from."""
        _, _, azimuth, elevation = self.arrays["factors"][images].T
        angles = (torch.from_numpy(np.radians(self.arrays[f"{name}_degrees"][i]))
                  for name, i in (("azimuth", azimuth), ("elevation", elevation)))
        return Camera(orbiting(*angles, float(self.arrays["camera_distance"])),
                      perspective(math.radians(float(self.arrays["fov_degrees"]))))


def drawn(theirs: Theirs, images: Sequence[int] | np.ndarray, *, samples: int = 1, backend: Backend = "auto") -> Views:
    """Images of one mesh by our renderer; with several samples crisp and as theirs, else with smooth outlines."""
    mesh = read_mesh(next(theirs.meshes.glob(f"*/{theirs.names[theirs.arrays['factors'][images[0], 0]]}")))
    light = DirectionalLight(torch.tensor([[0.3, 0.6, 0.75]]), torch.full((1, 3), 0.65), torch.full((1, 3), 0.35))
    size = theirs.arrays["images"].shape[1] * samples
    out = draw(mesh, theirs.camera(images), (size, size), light=light, background=torch.ones(1, 3), flat=True,
               both_sides=True, smooth=samples == 1, backend=backend)
    assert out.depth is not None
    nearest = functional.max_pool2d(torch.where(out.depth > 0, 1 / out.depth, 0.0), samples)
    return Views(functional.avg_pool2d(out.colour, samples), functional.avg_pool2d(out.alpha, samples),
                 torch.where(nearest > 0, 1 / nearest, 0.0))


def compared(ours: Views, theirs: Views) -> dict[str, float]:
    """Means over images: IoU of the masks, colour error inside both, relative error of depth inside both."""
    mask, other = ours.alpha > 0.5, theirs.alpha > 0.5
    iou = (mask & other).sum((1, 2, 3)) / (mask | other).sum((1, 2, 3))
    inside = (ours.alpha > 0.999) & (theirs.alpha > 0.999) & (ours.depth > 0) & (theirs.depth > 0)
    count = inside.sum((1, 2, 3))
    colour = ((ours.colour - theirs.colour).abs().mean(1, keepdim=True) * inside).sum((1, 2, 3)) / count
    depth = ((ours.depth / theirs.depth.clamp_min(1e-6) - 1).abs() * inside).sum((1, 2, 3)) / count
    return {"iou": float(iou.mean()), "worst": float(iou.min()), "colour": float(colour.mean()),
            "depth": float(depth.mean()), "alpha": float((ours.alpha - theirs.alpha).abs().mean())}
