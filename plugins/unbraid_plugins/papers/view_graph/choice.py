"""The choice of a plane for every image: the one whose small rotations look most real."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from unbraid_plugins.papers.view_graph.realism import realism
from unbraid_plugins.papers.view_graph.rotations import Descriptor, SmallRotations


def realism_of_planes(images: Tensor, rotations: SmallRotations, features: Descriptor, data: Tensor, neighbours: int,
                      own: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return how real images look when each plane is turned, and what they score among random images:

        q(i, h) = mean over r of realism(W_{h,r} x_i)
        b(i, h) = mean over r and all images j of phi(W_{h,r} x_i)^T phi(x_j)

    Both are (B, H). The mean of b over images is the bias of a plane: warps that deform or blur more look less like
    anything.

    images: (B, C, H, W) in [0, 1].
    data: (N, K), the descriptors of all images.
    own: (B,) the rows of the images in the data, which do not count.
    """
    q, b, mean = [], [], data.mean(0)
    for h in range(len(rotations.normals)):
        plane = torch.full((len(images),), h)
        looks = [rotations.looks(images, plane, r, features) for r in rotations.angles]
        q.append(torch.stack([realism(phi, data, neighbours, own) for phi in looks]).mean(0))
        b.append(torch.stack([phi @ mean for phi in looks]).mean(0))
    return torch.stack(q, 1), torch.stack(b, 1)


def realism_of_all(images: Tensor, rotations: SmallRotations, features: Descriptor, data: Tensor, neighbours: int,
                   chunk: int) -> Iterator[tuple[int, int, Tensor, Tensor]]:
    """Yield `realism_of_planes` of all images (N, C, H, W) uint8 in chunks: the chunk, of how many, q and b."""
    parts = torch.arange(len(images), device=images.device).split(chunk)
    for number, rows in enumerate(parts):
        pixels = images[rows].float() / 255
        yield number, len(parts), *realism_of_planes(pixels, rotations, features, data, neighbours, rows)
