"""The covered pixels: their places in their faces, and the corners' attributes there."""

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

    ids: (B, H, W), as `rasterize` gives them.
    pixel: (N,), the pixels' places among B * H * W.
    sample: (N + T,), the images of the pixels and then of the tips.
    face: (N + T,), their faces.
    barycentrics: (N + T, 3), perspective-correct, those of pixels with gradients to the clip coordinates.
    """

    ids: Tensor
    pixel: Tensor
    sample: Tensor
    face: Tensor
    barycentrics: Tensor

    @property
    def of_pixels(self) -> Tensor:
        """The faces of all places, (N + T,)."""
        return self.face

    def to_the_next(self, clip: Tensor, faces: Tensor) -> Tensor:
        """Return the change of barycentrics to the next column and to the next row, (N + T, 2, 3).

        It is 0 for tips, and has no gradient.
        """
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
        """Return the fragments with T more places on the surface."""
        if not len(sample):
            return self
        return attrs.evolve(self, sample=torch.cat([self.sample, sample]), face=torch.cat([self.face, face]),
                            barycentrics=torch.cat([self.barycentrics, barycentrics]))

    def interpolated(self, attributes: Tensor, faces: Tensor) -> Tensor:
        """Interpolate attributes (B or 1, V, C) of the corners faces (F, 3) -> (N + T, C)."""
        batch, count, channels = attributes.shape
        corners = corners_of(self.sample if batch > 1 else self.sample * 0, self.face, count, faces)
        return weighted(attributes.reshape(batch * count, channels), corners, self.barycentrics)

    def changed(self, attributes: Tensor, faces: Tensor, steps: Tensor) -> Tensor:
        """Return the change of attributes by changes of barycentrics (N + T, 3): (N + T, C), without a gradient."""
        return attrs.evolve(self, barycentrics=steps).interpolated(attributes.detach(), faces)

    def image(self, values: Tensor) -> Tensor:
        """Return values (N + T, C) as images (B, C, H, W) of the covered pixels, 0 elsewhere."""
        batch, height, width = self.ids.shape
        return scattered(values[:len(self.pixel)], self.pixel, (batch, height, width))

    def rows(self, values: Tensor) -> Tensor:
        """Return values (N + T, C) as those of all pixels, (B * H * W, C), 0 where nothing is seen."""
        return values.new_zeros(self.ids.numel(), values.shape[1]).index_copy(0, self.pixel, values[:len(self.pixel)])


def tips_of(outline: Crossings, ids: Tensor) -> Fragments:
    """Return the tips of an outline alone."""
    none = ids.new_zeros(0)
    return Fragments(ids, none, outline.sample, outline.face, outline.barycentrics)


def fragments(ids: Tensor, clip: Tensor, faces: Tensor) -> Fragments:
    """Return the covered pixels of ids (B, H, W), for clip coordinates (B, V, 4) and faces (F, 3)."""
    height, width = ids.shape[1:]
    sample, row, column = (ids >= 0).nonzero().unbind(1)
    pixel = (sample * height + row) * width + column
    face = ids.flatten().index_select(0, pixel)
    shares = barycentrics((sample, row, column), face, clip, faces, height, width)
    return Fragments(ids, pixel, sample, face, shares)
