"""The angle between normals and true ones, beside baselines that have learned nothing."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric


@attrs.frozen(eq=False)
class NormalAngle:
    """Mean angles between normals and true normals, in degrees, over the pixels of a mask.

    by_image: (N,), NaN where the mask is empty.
    label: the same mean of the coarse labels that a model was trained with, NaN without them.
    ball: of half a ball in the mask's bounding box.
    front: of normals that all face the camera.
    score: the mean of by_image, lower is better.
    """

    by_image: np.ndarray
    label: float
    ball: float
    front: float
    score: float = attrs.field(metadata={"better": "lower"})


@metric
def normal_angle(normals: np.ndarray, true_normals: np.ndarray, true_mask: np.ndarray | None = None,
                 coarse_normals: np.ndarray | None = None) -> NormalAngle:
    """Return the mean angle between normals and the true ones (Eigen & Fergus 2015, section 7.2).

    normals, true_normals: (N, 3, H, W), vectors of any length.
    true_mask: (N, 1, H, W), pixels above 1/2 count; by default those whose true normal is longer than 1/2.
    coarse_normals: the labels of a coarse fit, of the same shape; where they are 0 their pixels don't count for them.

    Raises ValueError where shapes differ or no pixel counts.

    >>> up, right = np.zeros((2, 1, 3, 2, 2))
    >>> up[:, 1], right[:, 0] = 1, 1
    >>> normal_angle(up, right).score, normal_angle(3 * up, up).score
    (90.0, 0.0)
    """
    n, t = np.asarray(normals, np.float64), np.asarray(true_normals, np.float64)
    if n.ndim != 4 or n.shape != t.shape or n.shape[1] != 3:
        raise ValueError(f"normals and true_normals must be (N, 3, H, W) with one shape; found {n.shape} and {t.shape}")
    counted = np.linalg.norm(t, axis=1) > 0.5
    if true_mask is not None:
        if np.shape(true_mask) != (len(t), 1, *t.shape[2:]):
            raise ValueError(f"true_mask must be {(len(t), 1, *t.shape[2:])}; found {np.shape(true_mask)}")
        counted &= np.asarray(true_mask)[:, 0] > 0.5
    if not counted.any():
        raise ValueError("no pixel has a true normal")
    by_image = _by_image(n, t, counted)
    label = np.nan
    if coarse_normals is not None:
        coarse = np.asarray(coarse_normals, np.float64)
        label = _mean(_by_image(coarse, t, counted & (np.linalg.norm(coarse, axis=1) > 0.5)))
    front = np.broadcast_to(np.asarray([0.0, 0, 1])[None, :, None, None], t.shape)
    return NormalAngle(by_image, label, _mean(_by_image(_balls(counted), t, counted)),
                       _mean(_by_image(front, t, counted)), _mean(by_image))


def _by_image(n: np.ndarray, t: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Return the mean angle in degrees by image, (N,); NaN without a pixel.  A normal of length 0 is 90 degrees off."""
    across = np.linalg.norm(np.cross(n, t, axis=1), axis=1)
    angle = np.degrees(np.arctan2(across, (n * t).sum(1)))
    angle = np.where(np.linalg.norm(n, axis=1) > 0, angle, 90.0)
    pixels = counted.sum((1, 2))
    return np.where(pixels > 0, (angle * counted).sum((1, 2)) / np.maximum(pixels, 1), np.nan)


def _mean(by_image: np.ndarray) -> float:
    return float(np.nanmean(by_image)) if np.isfinite(by_image).any() else float("nan")


def _balls(counted: np.ndarray) -> np.ndarray:
    """Return the normals of half a ball in the bounding box of each mask (N, H, W): (N, 3, H, W)."""
    made = np.zeros((len(counted), 3, *counted.shape[1:]))
    made[:, 2] = 1
    for ball, mask in zip(made, counted, strict=True):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not len(rows):
            continue
        y, x = (((np.arange(size) - (i[0] + i[-1]) / 2) / max((i[-1] - i[0] + 1) / 2, 1))
                for i, size in ((rows, mask.shape[0]), (columns, mask.shape[1])))
        flat = np.hypot(x[None], y[:, None])
        inside = np.minimum(1, 1 / np.maximum(flat, 1e-9))
        ball[0], ball[1] = x[None] * inside, -y[:, None] * inside
        ball[2] = np.sqrt(np.maximum(1 - np.square(ball[:2]).sum(0), 0))
    return made
