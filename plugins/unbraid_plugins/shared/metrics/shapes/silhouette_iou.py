"""The intersection over union of silhouettes."""

from __future__ import annotations

import attrs
import numpy as np


@attrs.frozen(eq=False)
class SilhouetteIou:
    """Agreement of silhouettes with the true ones.

    by_image: (N,) in [0, 1].
    area: the mean share by which the silhouettes are larger than the true ones, negative where they are smaller.
    score: mean of by_image.

    Images with an empty true silhouette do not count for `area`, which is 0 without any others.
    """

    by_image: np.ndarray
    area: float
    score: float


def silhouette_iou(silhouettes: np.ndarray, truth: np.ndarray, *, threshold: float = 0.5) -> SilhouetteIou:
    """Return the intersection over union of silhouettes with the true ones, by image; 1 where both are empty.

    silhouettes, truth: (N, H, W) or (N, 1, H, W), booleans, or numbers of which those above the threshold are inside.

    Raises ValueError where shapes differ, there are no images, or numbers are NaN.

    >>> silhouette_iou(np.asarray([[[1, 1, 0]]]), np.asarray([[[0, 1, 1]]])).by_image.round(3)
    array([0.333])
    """
    a, b = np.asarray(silhouettes), np.asarray(truth)
    if a.shape != b.shape or not (a.ndim == 3 or (a.ndim == 4 and a.shape[1] == 1)) or 0 in a.shape:
        raise ValueError("silhouettes and truth must be (N, H, W) or (N, 1, H, W) with one shape; found "
                         f"{a.shape} and {b.shape}")
    if np.isnan(a).any() or np.isnan(b).any():
        raise ValueError(f"silhouettes or truth are NaN in {int((np.isnan(a) | np.isnan(b)).sum())} pixels")
    rows = [_counts(x > threshold, y > threshold) for x, y in zip(a, b, strict=True)]
    both, either, ours, theirs = np.asarray(rows, np.float64).T
    by_image = np.divide(both, either, out=np.ones(len(both)), where=either > 0)
    seen = theirs > 0
    area = float((ours[seen] / theirs[seen] - 1).mean()) if seen.any() else 0.0
    return SilhouetteIou(by_image, area, float(by_image.mean()))


def _counts(a: np.ndarray, b: np.ndarray) -> tuple[int, int, int, int]:
    return int((a & b).sum()), int((a | b).sum()), int(a.sum()), int(b.sum())
