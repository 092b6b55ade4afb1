"""Similarity of two images: peak signal-to-noise ratio and structural similarity."""

from __future__ import annotations

import attrs
import numpy as np

SMALLEST = 1e-10                                   # least mean squared error: 100 dB


@attrs.frozen(eq=False)
class Likeness:
    """Similarities of pairs of images.  by_image: (N,); score: their mean."""

    by_image: np.ndarray
    score: float


def psnr(images: np.ndarray, others: np.ndarray) -> Likeness:
    """Return the peak signal-to-noise ratio of every pair of images, in dB:  -10 log10 MSE, at most 100.

    images, others: (N, C, H, W) in [0, 1].  Raises ValueError where the shapes differ.
    """
    a, b = _pair(images, others)
    values = -10 * np.log10(np.maximum(np.square(a - b).mean((1, 2, 3)), SMALLEST))
    return Likeness(values, float(values.mean()))


def ssim(images: np.ndarray, others: np.ndarray, *, window: str = "gaussian") -> Likeness:
    """Return the structural similarity of every pair of images, in [-1, 1] (Wang et al. 2004, eq. 13):

        SSIM = (2 m_a m_b + C1)(2 s_ab + C2) / ((m_a^2 + m_b^2 + C1)(s_a^2 + s_b^2 + C2)),   C1 = 0.01^2, C2 = 0.03^2

    with the local means m, variances s^2 and covariance s_ab of each channel. The result is the mean over all places
    where the whole window lies in the image. The window "gaussian" is that of the paper, 11 x 11 with deviation 1.5.
    The window "uniform" is 7 x 7 with sample variances, scikit-image's default.

    images, others: (N, C, H, W) in [0, 1], at least as large as the window.
    """
    from scipy.ndimage import gaussian_filter1d, uniform_filter1d

    def local(x: np.ndarray) -> np.ndarray:
        for axis in (2, 3):
            x = gaussian_filter1d(x, 1.5, axis, radius=5) if window == "gaussian" else uniform_filter1d(x, 7, axis)
        return x[:, :, edge:-edge, edge:-edge]

    if window not in ("gaussian", "uniform"):
        raise ValueError(f"window is 'gaussian' or 'uniform'; found {window!r}")
    a, b = _pair(images, others)
    edge, correction = (5, 1.0) if window == "gaussian" else (3, 49 / 48)
    if min(a.shape[2:]) <= 2 * edge:
        raise ValueError(f"images of {a.shape[2]} x {a.shape[3]} pixels are smaller than the window of {2 * edge + 1}")
    mean_a, mean_b = local(a), local(b)
    var_a = correction * (local(a * a) - mean_a ** 2)
    var_b = correction * (local(b * b) - mean_b ** 2)
    covariance = correction * (local(a * b) - mean_a * mean_b)
    c1, c2 = 0.01 ** 2, 0.03 ** 2
    similar = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    values = (similar / ((mean_a ** 2 + mean_b ** 2 + c1) * (var_a + var_b + c2))).mean((1, 2, 3))
    return Likeness(values, float(values.mean()))


def _pair(images: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(images, np.float64), np.asarray(others, np.float64)
    if a.ndim != 4 or a.shape != b.shape:
        raise ValueError(f"both must be (N, C, H, W) with one shape; found {a.shape} and {b.shape}")
    return a, b
