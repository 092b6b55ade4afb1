"""The covered pixels: where in its face each one lies, and what the corners' attributes are there."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from unbraid_plugins.opengl.numerics.pixels import scattered
from unbraid_plugins.opengl.numerics.rows import weighted
from unbraid_plugins.opengl.shading.barycentrics import barycentrics, corners_of
from unbraid_plugins.opengl.shading.silhouettes import Crossings


@attrs.frozen(eq=False)
class Fragments:
    """The N covered pixels of a batch of images of size (H, W), and T tips that lie between pixels' centres.

    ids: (B, H, W), as `rasterize` gives them; pixel: (N,), their places among B * H * W. Of pixels and then tips:
    sample, (N + T,), the image; face, (N + T,); barycentrics: (N + T, 3), perspective-correct, those of pixels with
    gradients to the clip coordinates.
    """

    ids: Tensor
    pixel: Tensor
    sample: Tensor
    face: Tensor
    barycentrics: Tensor

    def to_the_next(self, clip: Tensor, faces: Tensor) -> Tensor:
        """How barycentrics change to the next column and to the next row, (N + T, 2, 3); 0 for tips; no gradient."""
        height, width = self.ids.shape[1:]
        count = len(self.pixel)
        place = self.pixel % (height * width)
        row, column = place // width, place % width
        sample, face = self.sample[:count], self.face[:count]
        here, right, below = (
            barycentrics((sample, row + r, column + c), face, clip.detach(), faces, height, width, farthest=1e6)
            for r, c in ((0, 0), (0, 1), (1, 0)))
        steps = torch.stack([right - here, below - here], 1)
        return torch.cat([steps, steps.new_zeros(len(self.sample) - count, 2, 3)])

    def with_tips(self, sample: Tensor, face: Tensor, barycentrics: Tensor) -> Fragments:
        """With T places more on the surface."""
        if not len(sample):
            return self
        return attrs.evolve(self, sample=torch.cat([self.sample, sample]), face=torch.cat([self.face, face]),
                            barycentrics=torch.cat([self.barycentrics, barycentrics]))

    def interpolated(self, attributes: Tensor, faces: Tensor) -> Tensor:
        """Attributes (B or 1, V, C) of the corners faces (F, 3) -> (N + T, C)."""
        batch, count, channels = attributes.shape
        corners = corners_of(self.sample if batch > 1 else self.sample * 0, self.face, count, faces)
        return weighted(attributes.reshape(batch * count, channels), corners, self.barycentrics)

    def changed(self, attributes: Tensor, faces: Tensor, steps: Tensor) -> Tensor:
        """What changes of barycentrics (N + T, 3) make of attributes: (N + T, C), without a gradient."""
        return attrs.evolve(self, barycentrics=steps).interpolated(attributes.detach(), faces)

    def image(self, values: Tensor) -> Tensor:
        """Values (N + T, C) -> images (B, C, H, W) of the covered pixels, 0 elsewhere."""
        batch, height, width = self.ids.shape
        return scattered(values[:len(self.pixel)], self.pixel, (batch, height, width))

    def rows(self, values: Tensor) -> Tensor:
        """Values (N + T, C) -> those of all pixels, (B * H * W, C), 0 where nothing is."""
        return values.new_zeros(self.ids.numel(), values.shape[1]).index_copy(0, self.pixel, values[:len(self.pixel)])


def tips_of(outline: Crossings, ids: Tensor) -> Fragments:
    """The tips of an outline alone."""
    none = ids.new_zeros(0)
    return Fragments(ids, none, outline.sample, outline.face, outline.barycentrics)


def fragments(ids: Tensor, clip: Tensor, faces: Tensor) -> Fragments:
    """The covered pixels of ids (B, H, W), for clip coordinates (B, V, 4) and faces (F, 3)."""
    height, width = ids.shape[1:]
    sample, row, column = (ids >= 0).nonzero().unbind(1)
    pixel = (sample * height + row) * width + column
    face = ids.flatten().index_select(0, pixel)
    shares = barycentrics((sample, row, column), face, clip, faces, height, width)
    return Fragments(ids, pixel, sample, face, shares)
