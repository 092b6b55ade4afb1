"""sRGB, the numbers of pictures, and linear light (IEC 61966-2-1)."""

from __future__ import annotations

import numpy as np


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Return linear light in [0, 1] as the numbers of pictures.

    >>> to_srgb(np.array([0.0, 0.5, 1.0])).round(4).tolist()
    [0.0, 0.7354, 1.0]
    """
    return np.where(linear <= 0.0031308, 12.92 * linear, 1 + 1.055 * (np.maximum(linear, 1e-9) ** (1 / 2.4) - 1))


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """Return the numbers of pictures, in [0, 1], as linear light.

    >>> to_linear(np.array([0.0, 0.7354, 1.0])).round(3).tolist()
    [0.0, 0.5, 1.0]
    """
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0) + 0.055) / 1.055) ** 2.4)
