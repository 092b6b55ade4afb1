"""The covered pixels: where in its face each one lies, and what the corners' attributes are there."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from unbraid_plugins.opengl.rows import rows

TINY = 1e-14                                       # of twice an area in clip coordinates, seen from the pixel
FARTHEST = 2.0                                     # barycentrics: OpenGL may paint a sliver beyond its border


@attrs.frozen(eq=False)
class Fragments:
    """The N covered pixels of a batch of images of size (H, W), and T tips that lie between pixels' centres.

    ids: (B, H, W), as `rasterize` gives them; pixel: (N,), their places among B * H * W; depth: (N,), z / w in [-1, 1],
    affine in the image, without a gradient. Of pixels and then tips: sample, (N + T,), the image; face, (N + T,);
    barycentrics: (N + T, 3), perspective-correct, those of pixels with gradients to the clip coordinates.
    """

    ids: Tensor
    pixel: Tensor
    depth: Tensor
    sample: Tensor
    face: Tensor
    barycentrics: Tensor

    @property
    def deep(self) -> Tensor:
        """The depths of all pixels, (B * H * W,); 0 where nothing is."""
        return self.depth.new_zeros(self.ids.numel()).index_copy(0, self.pixel, self.depth)

    def with_tips(self, sample: Tensor, face: Tensor, barycentrics: Tensor) -> Fragments:
        """With T places more on the surface."""
        if not len(sample):
            return self
        return attrs.evolve(self, sample=torch.cat([self.sample, sample]), face=torch.cat([self.face, face]),
                            barycentrics=torch.cat([self.barycentrics, barycentrics]))

    def interpolated(self, attributes: Tensor, faces: Tensor) -> Tensor:
        """Attributes (B or 1, V, C) of the corners faces (F, 3) -> (N + T, C)."""
        batch, count, channels = attributes.shape
        flat = attributes.reshape(batch * count, channels)
        corners = faces[self.face] + (count * self.sample[:, None] if batch > 1 else 0)
        b = self.barycentrics
        first, second, third = (b[:, i:i + 1] * rows(flat, corners[:, i]) for i in range(3))
        return first + second + third

    def image(self, values: Tensor) -> Tensor:
        """Values (N + T, C) -> images (B, C, H, W) of the covered pixels, 0 elsewhere."""
        batch, height, width = self.ids.shape
        return self.rows(values).reshape(batch, height, width, -1).permute(0, 3, 1, 2)

    def rows(self, values: Tensor) -> Tensor:
        """Values (N + T, C) -> those of all pixels, (B * H * W, C), 0 where nothing is."""
        return values.new_zeros(self.ids.numel(), values.shape[1]).index_copy(0, self.pixel, values[:len(self.pixel)])


def fragments(ids: Tensor, clip: Tensor, faces: Tensor) -> Fragments:
    """The covered pixels of ids (B, H, W), for clip coordinates (B, V, 4) and faces (F, 3).

    With u_i = x_i - x w_i, v_i = y_i - y w_i for a pixel at (x, y), a_i = u_j v_k - u_k v_j, the barycentrics are
    b_i = a_i / (a_1 + a_2 + a_3): coordinates relative to the pixel, so that nothing large cancels.
    """
    height, width = ids.shape[1:]
    pixel = (ids.flatten() >= 0).nonzero().squeeze(1)
    face = ids.flatten()[pixel]
    sample = pixel // (height * width)
    x = ((2 * (pixel % width) + 1).to(clip.dtype) / width - 1)
    y = (1 - (2 * (pixel // width % height) + 1).to(clip.dtype) / height)
    corners = faces[face] + clip.shape[1] * sample[:, None]
    flat = clip.reshape(-1, 4)
    at = [rows(flat, corners[:, i]).unbind(1) for i in range(3)]
    u = [cx - x * cw for cx, _, _, cw in at]
    v = [cy - y * cw for _, cy, _, cw in at]
    areas = [u[i - 2] * v[i - 1] - u[i - 1] * v[i - 2] for i in range(3)]
    whole = areas[0] + areas[1] + areas[2]
    flat_face = whole.abs() < TINY
    whole = torch.where(flat_face, torch.ones_like(whole), whole)
    b = [torch.where(flat_face, torch.full_like(whole, 1 / 3), a / whole).clamp(1 - FARTHEST, FARTHEST) for a in areas]
    with torch.no_grad():
        z, w = (b[0] * at[0][k] + b[1] * at[1][k] + b[2] * at[2][k] for k in (2, 3))
        depth = (z / w.where(w.abs() > TINY, torch.ones_like(w))).clamp(-1, 1)
    return Fragments(ids, pixel, depth, sample, face, torch.stack(b, 1))
