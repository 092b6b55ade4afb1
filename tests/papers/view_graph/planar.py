"""A category whose view graph is known: textured planes, each seen from many azimuths."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from unbraid_plugins.papers.view_graph.planes import homography, rotation, warped, warping

NORMAL = torch.tensor([0.0, 0.5, math.sqrt(0.75)], dtype=torch.float64)
VIEW = math.radians(40)


def texture(size: int, seed: int) -> Tensor:
    """Blobs, (1, 3, size, size)."""
    free = torch.Generator().manual_seed(seed)
    return interpolate(torch.rand(1, 3, 5, 5, generator=free), (size, size), mode="bicubic").clamp(0, 1)


def views(degrees: list[float], size: int = 32, seed: int = 0, noise: float = 0.0) -> Tensor:
    """One plane as cameras at these azimuths see it, (B, 3, size, size)."""
    places = [warping(homography(rotation(math.radians(a)), NORMAL, VIEW), size, size) for a in degrees]
    seen = warped(texture(size, seed).expand(len(degrees), -1, -1, -1), torch.stack(places))
    return (seen + noise * torch.randn(seen.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)


class Pixels(nn.Module):
    """Pixels around their mean, as a descriptor."""

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        return flat - flat.mean(1, keepdim=True)


def batches(images: Tensor, features: nn.Module, size: int = 7):
    """Batches as the engine gives them to `fit`."""
    return ((x, features(x), features) for x in images.split(size))


def fitted(graph: nn.Module, images: Tensor, features: nn.Module) -> nn.Module:
    for _ in graph.fit(batches(images, features)):
        pass
    return graph
