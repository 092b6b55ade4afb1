"""W_{h,r}: small rotations of every plane hypothesis, as places that are looked up in an image."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import torch
from torch import Tensor

from unbraid.values import plain
from unbraid_plugins.papers.view_graph.planes import homography, hypotheses, in_sight, rotation, warped, warping
from unbraid_plugins.papers.view_graph.realism import described

Descriptor = Callable[[Tensor], Any]               # images (B, C, H, W) -> descriptors (B, ...)
SIGHT = 1 / 3                                      # a plane stays if every rotation shows this much of the image ...
FACING = 0.1                                       # ... and leaves its normal this much towards the camera


@attrs.frozen(eq=False)
class SmallRotations:
    """Small rotations of the camera around an object that is one of several planes.

    normals: (H, 3), of the plane hypotheses.
    offsets: (H,), how far each lies before the object's centre, in half heights of the image.
    angles: radians, symmetric around 0, which is left out.
    elevation, field_of_view: of the camera, in radians.
    size: height and width of the images.
    """

    normals: Tensor
    offsets: Tensor
    angles: tuple[float, ...]
    elevation: float
    field_of_view: float
    size: tuple[int, int]
    _grids: dict[float, Tensor] = attrs.field(init=False, factory=dict, repr=False)

    @classmethod
    def of(cls, tilts: Sequence[float], directions: int, step: float, reach: int, elevation: float,
           field_of_view: float, size: tuple[int, int], offsets: Sequence[float] = (0.0,)) -> SmallRotations:
        """Return rotations by multiples of `step` up to `reach` of them, all angles in degrees.

        Every normal is tried at every offset. Planes that some rotation turns away, or of which it leaves hardly
        anything in sight, are left out; the first fronto-parallel one stays.
        """
        angles = tuple(math.radians(step * i) for i in range(-reach, reach + 1) if i)
        normals, view = hypotheses(tilts, directions), math.radians(field_of_view)
        before = torch.tensor(offsets, dtype=normals.dtype).repeat_interleave(len(normals))
        every = cls(normals.repeat(len(offsets), 1), before, angles, math.radians(elevation), view, size)
        shown = torch.stack([in_sight(every.grid(r)).float().mean((1, 2)) for r in angles]).amin(0)
        faces = torch.stack([every.normals @ rotation(r, every.elevation)[2] for r in angles]).amin(0)
        ahead = every.normals[:, 2] - before * math.tan(view / 2)          # of the camera, not behind it
        stays = (shown >= SIGHT) & (faces >= FACING) & (ahead >= FACING)
        stays[0] = True
        return attrs.evolve(every, normals=every.normals[stays], offsets=every.offsets[stays])

    def grid(self, angle: float) -> Tensor:
        """Return the places that a rotation looks up, for every plane, (H, height, width, 2)."""
        if angle not in self._grids:
            self._grids[angle] = torch.stack([self.places(h, angle) for h in range(len(self.normals))])
        return self._grids[angle]

    def places(self, plane: int, angle: float) -> Tensor:
        """Return the places that a rotation by any angle in radians looks up, for one plane, (height, width, 2)."""
        turned = rotation(angle, self.elevation)
        h = homography(turned, self.normals[plane], self.field_of_view, float(self.offsets[plane]))
        return warping(h, *self.size)

    def looks(self, images: Tensor, planes: Tensor, angle: float, features: Descriptor) -> Tensor:
        """Return phi(W_{h,r} x), (B, K), of images (B, C, H, W), each with its own plane h, (B,)."""
        return described(plain(features(warped(images, self.grid(angle)[planes.cpu()]))))
