"""The error of reconstructions."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric

SMALLEST = 1e-10                                   # least mean squared error: 100 dB


@attrs.frozen
class ReconstructionError:
    """Errors of reconstructions.

    mse: mean over images and pixels, of values in [0, 1].
    psnr: of that, in dB, at most 100.
    score: psnr.
    """

    mse: float
    psnr: float
    score: float


@metric(better="higher")
def reconstruction_error(images: np.ndarray, reconstructions: np.ndarray) -> ReconstructionError:
    """Return the mean squared error and the peak signal-to-noise ratio of reconstructions:  PSNR = -10 log10 MSE.

    images, reconstructions: (N, C, H, W) in [0, 1].  Raises ValueError where the shapes differ.
    """
    if images.shape != reconstructions.shape:
        raise ValueError(f"images {images.shape} and reconstructions {reconstructions.shape} have different shapes")
    errors = (np.square(a - b, dtype=np.float64).mean() for a, b in zip(images, reconstructions, strict=True))
    mse = float(np.mean(list(errors)))
    psnr = float(-10 * np.log10(max(mse, SMALLEST)))
    return ReconstructionError(mse, psnr, psnr)
