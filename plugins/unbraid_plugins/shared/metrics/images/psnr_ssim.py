"""Similarity of two images: peak signal-to-noise ratio and structural similarity."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
import numpy as np

Range: TypeAlias = "float | Literal['target']"

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


def ssim(images: np.ndarray, others: np.ndarray, *, window: str = "gaussian", data_range: Range = 1.0) -> Likeness:
    """Return the structural similarity of every pair of images, in [-1, 1] (Wang et al. 2004, eq. 13):

        SSIM = (2 m_a m_b + C1)(2 s_ab + C2) / ((m_a^2 + m_b^2 + C1)(s_a^2 + s_b^2 + C2)),

        C1 = (0.01 L)^2,  C2 = (0.03 L)^2

    with the local means m, variances s^2 and covariance s_ab of each channel. The result is the mean over all places
    where the whole window lies in the image. The window "gaussian" is that of the paper, 11 x 11 with deviation 1.5.
    The window "uniform" is 7 x 7 with sample variances, scikit-image's default.

    images, others: (N, C, H, W) in [0, 1], at least as large as the window.
    data_range: L, by default that of the pixels; or "target", the largest minus the smallest number of each of
        `others`, with which values of different images can't be compared.
    """
    return mean_of(ssim_map(images, others, window=window, data_range=data_range))


def mean_of(similar: np.ndarray) -> Likeness:
    """Return the mean of a map of similarities (N, C, h, w) by image."""
    values = similar.mean((1, 2, 3))
    return Likeness(values, float(values.mean()))


def ssim_map(images: np.ndarray, others: np.ndarray, *, window: str, data_range: Range) -> np.ndarray:
    """Return the structural similarity at every place where the whole window lies in the image, (N, C, h, w)."""
    from scipy.ndimage import gaussian_filter1d, uniform_filter1d

    def local(x: np.ndarray) -> np.ndarray:
        for axis in (2, 3):
            x = gaussian_filter1d(x, 1.5, axis, radius=5) if window == "gaussian" else uniform_filter1d(x, 7, axis)
        return x[:, :, edge:-edge, edge:-edge]

    a, b = _pair(images, others)
    edge, correction = edge_of(window), (1.0 if window == "gaussian" else 49 / 48)
    if min(a.shape[2:]) <= 2 * edge:
        raise ValueError(f"images of {a.shape[2]} x {a.shape[3]} pixels are smaller than the window of {2 * edge + 1}")
    mean_a, mean_b = local(a), local(b)
    var_a = correction * (local(a * a) - mean_a ** 2)
    var_b = correction * (local(b * b) - mean_b ** 2)
    covariance = correction * (local(a * b) - mean_a * mean_b)
    c1, c2 = ((k * _range(b, data_range)) ** 2 for k in (0.01, 0.03))
    similar = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return similar / ((mean_a ** 2 + mean_b ** 2 + c1) * (var_a + var_b + c2))


def edge_of(window: str) -> int:
    """Return the pixels at each border that are no centre of a window.  Raises ValueError for an unknown window."""
    if window not in ("gaussian", "uniform"):
        raise ValueError(f"window is 'gaussian' or 'uniform'; found {window!r}")
    return 5 if window == "gaussian" else 3


def _range(target: np.ndarray, data_range: Range) -> np.ndarray:
    """Return L for every image, (N, 1, 1, 1)."""
    if data_range == "target":
        return np.maximum(np.ptp(target, axis=(1, 2, 3), keepdims=True), SMALLEST)
    if isinstance(data_range, str) or not data_range > 0:
        raise ValueError(f"data_range is a positive number or 'target'; found {data_range!r}")
    return np.full((len(target), 1, 1, 1), float(data_range))


def _pair(images: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(images, np.float64), np.asarray(others, np.float64)
    if a.ndim != 4 or a.shape != b.shape:
        raise ValueError(f"both must be (N, C, H, W) with one shape; found {a.shape} and {b.shape}")
    return a, b
