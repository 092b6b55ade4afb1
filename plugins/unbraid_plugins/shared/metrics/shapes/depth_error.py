"""Errors of depth images, up to the ambiguities of a single picture, and whether the depth is inside out."""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np


@attrs.frozen(eq=False)
class DepthError:
    """Errors of depth images.

    by_image: (N,), NaN where an image has no two known pixels or its true depth is constant.
    correlation: (N,) in [-1, 1], of depth and true depth.
    inverted: the share of images with a negative correlation.
    score: mean error, lower is better.
    """

    by_image: np.ndarray
    correlation: np.ndarray
    inverted: float
    score: float = attrs.field(metadata={"better": "lower"})


def depth_error(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None, *,
                up_to: Literal["scale and shift", "scale"] = "scale and shift") -> DepthError:
    """Return the error of depth by image, up to the ambiguities of a single picture:

        "scale and shift":  min over a >= 0, b of |a d + b - t| / |t - mean t|,  in [0, 1] (Ranftl et al. 2020)
        "scale":            the deviation of log d - log t over pixels, from 0 (Eigen et al. 2014, the root)

    The first is sqrt(1 - r^2) of the correlation r, and 1 where r <= 0. Depth that is inside out (the hollow mask that
    explains the same pictures) scores no better than flat depth, and `inverted` counts it.

    depth, truth: (N, H, W) or (N, 1, H, W), larger is farther in both (or nearer in both).
    mask: the pixels that count, of the same shape; None: those of finite true depth (NaN marks a pixel without object).

    Raises ValueError where shapes differ, depth is not finite (for "scale": positive) in a pixel that counts, or no
    image can be judged.

    >>> t = np.arange(12.0).reshape(1, 3, 4)
    >>> depth_error(5 * t + 2, t).score, depth_error(-t, t).score, depth_error(-t, t).inverted
    (0.0, 1.0, 1.0)
    """
    if up_to not in ("scale and shift", "scale"):
        raise ValueError(f"up_to is 'scale and shift' or 'scale'; found {up_to!r}")
    d, t = _planes(depth), _planes(truth)
    counted = np.isfinite(t) if mask is None else _planes(mask).astype(bool)
    if d.shape != t.shape or counted.shape != t.shape or d.ndim != 3:
        raise ValueError("depth, truth and mask must be (N, H, W) or (N, 1, H, W) with one shape; found "
                         f"{[np.shape(x) for x in (depth, truth, mask) if x is not None]}")
    found = np.asarray([_judged(a[m], b[m], i, up_to) for i, (a, b, m) in enumerate(zip(d, t, counted, strict=True))])
    errors, correlation = found.reshape(-1, 2).T
    known = ~np.isnan(errors)
    if not known.any():
        raise ValueError(f"none of {len(t)} images has two known pixels of different true depth")
    return DepthError(errors, correlation, float((correlation[known] < 0).mean()), float(errors[known].mean()))


def _judged(d: np.ndarray, t: np.ndarray, image: int, up_to: str) -> tuple[float, float]:
    """Return the error and the correlation over the pixels (P,) that count; NaN where the pixels can't tell them."""
    d, t = np.asarray(d, np.float64), np.asarray(t, np.float64)
    least = 0 if up_to == "scale" else -np.inf
    for name, x in (("depth", d), ("true depth", t)):
        bad = int((~np.isfinite(x) | (x <= least)).sum())
        if bad:
            kind = "finite" if up_to != "scale" else "finite and positive"
            raise ValueError(f"the {name} of image {image} is not {kind} in {bad} of {len(x)} pixels that count")
    if len(t) < 2 or np.ptp(t) == 0:
        return np.nan, np.nan
    x, y = d - d.mean(), t - t.mean()
    spread = np.sqrt(np.square(x).sum() * np.square(y).sum())
    r = float(np.clip((x * y).sum() / spread, -1, 1)) if np.ptp(d) > 0 and spread > 0 else 0.0
    if up_to == "scale":
        return float(np.std(np.log(d) - np.log(t))), r
    return float(np.sqrt(1 - max(r, 0.0) ** 2)), r


def _planes(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x)
    return x[:, 0] if x.ndim == 4 and x.shape[1] == 1 else x
