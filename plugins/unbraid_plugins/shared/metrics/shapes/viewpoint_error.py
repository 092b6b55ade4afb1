"""Errors of viewpoints that are learned without labels, up to a rotation of all and perhaps a mirror."""

from __future__ import annotations

import attrs
import numpy as np

TURN = 2 * np.pi
NEAR = (15, 30)                                    # degrees


@attrs.frozen(eq=False)
class ViewpointError:
    """Errors of viewpoints after the best rotation and reflection of all, in degrees.

    by_image: (N,) in [0, 180], or [0, 180 / symmetry].
    rotation: the angle that is added to all angles, after the mirror where `reflected`.
    mean, median: of the errors.
    within: 15, 30 -> the share of images with at most that error.
    score: median, lower is better; chance is 90 / symmetry.
    """

    by_image: np.ndarray
    rotation: float
    reflected: bool
    mean: float
    median: float
    within: dict[int, float]
    score: float = attrs.field(metadata={"better": "lower"})


def viewpoint_error(angles: np.ndarray, truth: np.ndarray, *, reflect: bool = True,
                    symmetry: int = 1) -> ViewpointError:
    """Return the distances of angles from the true ones on the circle, after the best rotation and reflection of all:

        min over r and s = 1, -1 of  1/N sum_n d(s a_n + r, t_n),    d(a, b) = |a - b| around the circle

    Viewpoints that are learned without labels have no zero and no sense of rotation: their gauge. The gauge is fitted
    to the same images, with few images the error looks smaller than it is. The minimum is exact: the mean of distances
    is least at one of the differences. The score is the median, because wrong views are often wrong by half a turn.

    angles, truth: (N,) radians; whole turns make no difference.
    reflect: whether a mirror is forgiven; False where the object shows its sense of rotation.
    symmetry: how often the object looks the same in a turn.

    Raises ValueError where shapes differ, there are no angles, or some are not finite.

    >>> found = viewpoint_error(np.asarray([0.1, 0.6, 1.1]), np.asarray([3.0, 2.5, 2.0]))
    >>> round(found.score, 6), found.reflected
    (0.0, True)
    """
    a, t = np.asarray(angles, np.float64), np.asarray(truth, np.float64)
    if a.ndim != 1 or a.shape != t.shape or not len(a):
        raise ValueError(f"angles and truth must be (N,) both, one angle at least; found {a.shape} and {t.shape}")
    if not (np.isfinite(a).all() and np.isfinite(t).all()):
        raise ValueError(f"{int((~np.isfinite(a) | ~np.isfinite(t)).sum())} of {len(a)} angles are not finite")
    if symmetry < 1:
        raise ValueError(f"symmetry is how often the object looks the same in a turn, 1 at least; found {symmetry}")
    signs = (1, -1) if reflect else (1,)
    found = [(*_best_rotation(symmetry * (t - s * a)), s) for s in signs]
    rotation, sign = min(found, key=lambda f: f[0] - 1e-12 * f[2])[1:]        # no mirror without need
    errors = np.degrees(np.abs(around(symmetry * (t - sign * a) - rotation)) / symmetry)
    near = {limit: float((errors <= limit).mean()) for limit in NEAR}
    median = float(np.median(errors))
    return ViewpointError(errors, float(np.degrees(rotation / symmetry)), sign < 0, float(errors.mean()), median, near,
                          median)


def around(angles: np.ndarray) -> np.ndarray:
    """Return angles in radians, brought into [-pi, pi)."""
    return (angles + np.pi) % TURN - np.pi


def _best_rotation(differences: np.ndarray) -> tuple[float, float]:
    """Return the least mean distance of angles (N,) from one of them, in radians, and that angle.

    In sorted order, the distances of an angle to the next half turn and to the rest are sums over ranges: O(N log N).
    """
    x = np.sort(differences % TURN)
    n = len(x)
    sums = np.concatenate([[0], np.cumsum(np.concatenate([x, x + TURN]))])
    first = np.arange(n)
    half = np.searchsorted(np.concatenate([x, x + TURN]), x + np.pi, side="right")
    ahead = sums[half] - sums[first] - (half - first) * x
    behind = (first + n - half) * (x + TURN) - (sums[first + n] - sums[half])
    means = (ahead + behind) / n
    best = int(means.argmin())
    return float(means[best]), float(around(x[best]))
