"""FID and KID: distances between generated and real images in the features of a network."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid_plugins.shared.metrics.images.feature_networks import Network, features_of
from unbraid_plugins.shared.metrics.images.frechet import FrechetDistance, frechet_distance
from unbraid_plugins.shared.metrics.images.kernel_distance import KernelDistance, kernel_distance


@attrs.frozen
class Fid:
    """A Fréchet distance of two sets of images.

    distance: the distance with its parts.
    images: the sizes of both sets.
    width: the number of features.
    score: the distance, lower is better.
    """

    distance: FrechetDistance
    images: tuple[int, int]
    width: int
    score: float = attrs.field(metadata={"better": "lower"})


@attrs.frozen
class Kid:
    """A kernel distance of two sets of images.

    distance: the distance with its parts.
    images: the sizes of both sets.
    width: the number of features.
    score: the distance, lower is better.
    """

    distance: KernelDistance
    images: tuple[int, int]
    width: int
    score: float = attrs.field(metadata={"better": "lower"})


def fid(images: np.ndarray, others: np.ndarray, network: Network, *, device: str = "cpu", batch: int = 64) -> Fid:
    """Return the Fréchet distance of two sets of images in a network's features (Heusel et al. 2017).

    See `frechet_distance`. It needs more images than features. Only values of equally many images and of the same
    network compare.

    images, others: (N, C, H, W) and (M, C, H, W), floats in [0, 1] or uint8.
    network: images (n, C, H, W) -> features (n, D), a function of arrays or a torch module.

    `torchvision_network(name, weights)` makes a network of torchvision's classifiers.
    """
    a, b = (features_of(x, network, device=device, batch=batch) for x in (images, others))
    found = frechet_distance(a, b)
    return Fid(found, (len(a), len(b)), a.shape[1], found.score)


def kid(images: np.ndarray, others: np.ndarray, network: Network, *, subsets: int = 100, size: int = 1000,
        seed: int = 0, device: str = "cpu", batch: int = 64) -> Kid:
    """Return the kernel distance of two sets of images in a network's features (Binkowski et al. 2018).

    See `kernel_distance`.

    images, others: (N, C, H, W) and (M, C, H, W), floats in [0, 1] or uint8, two at least.
    network: as for `fid`.
    subsets: the number of draws of `size` images to average over; 0 compares all images at once.
    """
    a, b = (features_of(x, network, device=device, batch=batch) for x in (images, others))
    found = kernel_distance(a, b, subsets=subsets, size=size, seed=seed)
    return Kid(found, (len(a), len(b)), a.shape[1], found.score)
