"""The error of albedo, up to the scale that no image tells."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric


@attrs.frozen(eq=False)
class AlbedoError:
    """Scale-invariant errors of albedo, over the pixels of a mask.

    by_image: (N,) in [0, 1], 0 for the true albedo at any brightness; NaN where the mask is empty or black.
    scale: (N,), the brightness of the true albedo relative to the model's.
    spread: standard deviation of the logarithm of scale, 0 where all albedos have one gauge.
    image: the same mean error of the images themselves, taken for albedo; NaN without them.
    score: the mean of by_image, lower is better.
    """

    by_image: np.ndarray
    scale: np.ndarray
    spread: float
    image: float
    score: float = attrs.field(metadata={"better": "lower"})


@metric
def albedo_error(albedo: np.ndarray, true_albedo: np.ndarray, true_mask: np.ndarray | None = None,
                 images: np.ndarray | None = None) -> AlbedoError:
    """Return the scale-invariant mean squared error of albedo by image (Grosse et al. 2009, eq. 8, of whole images):

        min over a >= 0 of  sum (a A - T)^2 / sum T^2

    One scale serves all channels, so a wrong colour is an error.

    albedo, true_albedo: (N, C, H, W).
    true_mask: (N, 1, H, W), pixels above 1/2 count; by default all.
    images: (N, C, H, W), for the error of the images themselves.

    Raises ValueError where shapes differ or no image can be judged.

    >>> t = np.linspace(0.1, 0.9, 12).reshape(1, 3, 2, 2)
    >>> round(albedo_error(0.3 * t, t).score, 6), albedo_error(np.zeros_like(t), t).score
    (0.0, 1.0)
    """
    a, t = np.asarray(albedo, np.float64), np.asarray(true_albedo, np.float64)
    if a.ndim != 4 or a.shape != t.shape:
        raise ValueError(f"albedo and true_albedo must be (N, C, H, W) with one shape; found {a.shape} and {t.shape}")
    counted = np.ones((len(t), 1, *t.shape[2:])) if true_mask is None else (np.asarray(true_mask) > 0.5).astype(float)
    if counted.shape != (len(t), 1, *t.shape[2:]):
        raise ValueError(f"true_mask must be {(len(t), 1, *t.shape[2:])}; found {counted.shape}")
    by_image, scale = _errors(a, t, counted)
    known = np.isfinite(by_image)
    if not known.any():
        raise ValueError("no image has a pixel with a true albedo")
    logs = np.log(scale[known & (scale > 0)])
    of_images = np.nan if images is None else float(np.nanmean(_errors(np.asarray(images, np.float64), t, counted)[0]))
    return AlbedoError(by_image, scale, float(logs.std()) if len(logs) else float("nan"), of_images,
                       float(by_image[known].mean()))


def _errors(a: np.ndarray, t: np.ndarray, counted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return errors and scales by image, (N,) both."""
    both, own, true = ((u * v * counted).sum((1, 2, 3)) for u, v in ((a, t), (a, a), (t, t)))
    scale = np.where(own > 0, np.maximum(both, 0) / np.maximum(own, 1e-12), 0.0)
    left = true - 2 * scale * both + scale**2 * own
    return np.where(true > 0, np.maximum(left, 0) / np.maximum(true, 1e-12), np.nan), scale
