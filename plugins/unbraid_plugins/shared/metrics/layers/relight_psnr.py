"""Images under another light, compared with the truth, beside no edit and the mean light."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.images.psnr_ssim import SMALLEST


@attrs.frozen(eq=False)
class RelightPsnr:
    """Peak signal-to-noise ratios of relit faces, in dB, inside their masks.

    by_image: (P,).
    unedited: the mean for the image as it was, under its own light.
    mean_light: the mean for the model's image under the mean of all lights.
    photo: the mean for the image itself, relit; NaN where the model does not offer that.
    gain: score minus the larger of the two.
    score: the mean of by_image.
    """

    by_image: np.ndarray
    unedited: float
    mean_light: float
    photo: float
    gain: float
    score: float


@metric(better="higher")
def relight_psnr(relit: np.ndarray, relit_truth: np.ndarray, relit_before: np.ndarray, relit_mean: np.ndarray,
                 relit_mask: np.ndarray | None = None, relit_photo: np.ndarray | None = None) -> RelightPsnr:
    """Return how near an image with the light of another one comes to the true image under that light:

        PSNR = -10 log10 (sum m (y - t)^2 / (C sum m)),  at most 100

    relit: (P, C, H, W) in [0, 1], the model's images with the light that it found in others.
    relit_truth: the true images of the same heads under these lights.
    relit_before: the images before.
    relit_mean: the model's images with the mean of all lights that it found.
    relit_mask: (P, 1, H, W), pixels above 1/2 count; by default all.
    relit_photo: the images before, relit with their details kept.

    Raises ValueError where shapes differ or no pixel counts.
    """
    truth = np.asarray(relit_truth, np.float64)
    mask = np.ones((len(truth), 1, *truth.shape[2:])) if relit_mask is None else (np.asarray(relit_mask) > 0.5) * 1.0
    photo = relit if relit_photo is None else relit_photo
    for name, v in (("relit", relit), ("relit_before", relit_before), ("relit_mean", relit_mean),
                    ("relit_photo", photo)):
        if truth.ndim != 4 or np.shape(v) != truth.shape:
            raise ValueError(f"{name} and relit_truth must be (P, C, H, W) with one shape; found {np.shape(v)} and "
                             f"{truth.shape}")
    if mask.shape != (len(truth), 1, *truth.shape[2:]) or not mask.sum():
        raise ValueError(f"relit_mask must be {(len(truth), 1, *truth.shape[2:])} and not empty; found {mask.shape}")
    seen = mask.sum((1, 2, 3)) > 0
    by_image, unedited, mean_light, of_photo = (_psnr(np.asarray(v, np.float64), truth, mask)[seen]
                                                for v in (relit, relit_before, relit_mean, photo))
    score, floor = float(by_image.mean()), (float(unedited.mean()), float(mean_light.mean()))
    return RelightPsnr(by_image, *floor, float("nan") if relit_photo is None else float(of_photo.mean()),
                       score - max(floor), score)


def _psnr(y: np.ndarray, t: np.ndarray, mask: np.ndarray) -> np.ndarray:
    mse = (np.square(y - t) * mask).sum((1, 2, 3)) / np.maximum(y.shape[1] * mask.sum((1, 2, 3)), 1e-12)
    return -10 * np.log10(np.maximum(mse, SMALLEST))
