"""How far made images are from real ones, as a network sees both: FID and KID."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid_plugins.shared.metrics.images.feature_networks import Network, features_of
from unbraid_plugins.shared.metrics.images.frechet import FrechetDistance, frechet_distance
from unbraid_plugins.shared.metrics.images.kernel_distance import KernelDistance, kernel_distance


@attrs.frozen
class Fid:
    """distance: with its parts; images: how many of each set; width: how many features; score: the distance, lower is
    better.
    """

    distance: FrechetDistance
    images: tuple[int, int]
    width: int
    score: float = attrs.field(metadata={"better": "lower"})


@attrs.frozen
class Kid:
    """distance: with its parts; images: how many of each set; width: how many features; score: the distance, lower is
    better.
    """

    distance: KernelDistance
    images: tuple[int, int]
    width: int
    score: float = attrs.field(metadata={"better": "lower"})


def fid(images: np.ndarray, others: np.ndarray, network: Network, *, device: str = "cpu", batch: int = 64) -> Fid:
    """Fréchet distance of two sets of images in a network's features (Heusel et al. 2017): see `frechet_distance`.

    It needs more images than features, and equally many in what is compared; numbers of other networks do not compare.

    images, others: (N, C, H, W) and (M, C, H, W), floats in [0, 1] or uint8; network: images (n, C, H, W) -> features
    (n, D), a function of arrays or a torch module, for example `torchvision_network(name, weights)`.
    """
    a, b = (features_of(x, network, device=device, batch=batch) for x in (images, others))
    found = frechet_distance(a, b)
    return Fid(found, (len(a), len(b)), a.shape[1], found.score)


def kid(images: np.ndarray, others: np.ndarray, network: Network, *, subsets: int = 100, size: int = 1000,
        seed: int = 0, device: str = "cpu", batch: int = 64) -> Kid:
    """Kernel distance of two sets of images in a network's features (Binkowski et al. 2018): see `kernel_distance`.

    images, others: (N, C, H, W) and (M, C, H, W), floats in [0, 1] or uint8, two at least; network: as for `fid`;
    subsets: how many draws of `size` images the mean is over, 0: everything at once.
    """
    a, b = (features_of(x, network, device=device, batch=batch) for x in (images, others))
    found = kernel_distance(a, b, subsets=subsets, size=size, seed=seed)
    return Kid(found, (len(a), len(b)), a.shape[1], found.score)
