"""Realism: whether images of mixed codes look like real ones, in the features of the oracles."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, all_chunks
from unbraid_plugins.shared.metrics.edits.oracles import Oracles
from unbraid_plugins.shared.metrics.images.frechet import frechet_distance
from unbraid_plugins.shared.metrics.images.kernel_distance import kernel_distance


@attrs.frozen
class Realism:
    """Distances of sets of images from the real ones.

    frechet, kernel: by set, as `frechet_distance` and `kernel_distance`.
    images: the number of images of each set.
    score: the Fréchet distance of "mixed", lower is better.

    The sets are "mixed", images of mixed codes; "rebuilt", reconstructions; and "real", other real images: the floor.
    """

    frechet: dict[str, float]
    kernel: dict[str, float]
    images: int
    score: float = attrs.field(metadata={"better": "lower"})


@metric(better="lower")
def realism(images: np.ndarray, codes: np.ndarray, chunks: Chunks, decode: Callable[[np.ndarray], np.ndarray],
            reconstructions: np.ndarray, oracles: Oracles, train_images: np.ndarray | None = None, *,
            seed: int = 0) -> Realism:
    """Measure whether images that combine chunks of different images look as real as the images (Heusel et al. 2017).

    Each chunk of a mixed code comes from an image that is drawn for this chunk alone. A code whose chunks are
    independent factors, with a decoder that knows every combination, mixes into images of the data's distribution. The
    features are those of the oracles, so values compare only between models of one data set.

    images: (N, C, H, W), two at least.
    codes: (N, D).
    chunks: name -> columns.
    decode: codes (n, D) -> images.
    reconstructions: (N, C, H, W).
    train_images: (M, C, H, W), the other real images.

    Raises ValueError where the oracles give no features.
    """
    if oracles.features is None:
        raise ValueError("these oracles give no features; those of unbraid_plugins.shared.metrics.edits.oracles do")
    rng, mixed = np.random.default_rng(seed), codes.copy()
    for a, b in all_chunks(codes, chunks).values():
        mixed[:, a:b] = codes[rng.permutation(len(codes)), a:b]
    count = len(images) if train_images is None else min(len(images), len(train_images))
    sets = {"mixed": decode(mixed[:count]), "rebuilt": reconstructions[:count]}
    sets |= {} if train_images is None else {"real": train_images[:count]}
    real = oracles.features(images[:count])
    features = {name: oracles.features(pictures) for name, pictures in sets.items()}
    frechet = {name: frechet_distance(real, f).score for name, f in features.items()}
    return Realism(frechet, {name: kernel_distance(real, f).score for name, f in features.items()}, count,
                   frechet["mixed"])
