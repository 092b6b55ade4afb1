"""The Chamfer distance of two sets of points."""

from __future__ import annotations

import attrs
import numpy as np


@attrs.frozen
class Chamfer:
    """A Chamfer distance and its parts, in the unit of the points, or its square.

    forth: mean distance from the points to their nearest others.
    back: mean distance from the others to their nearest points.
    farthest: the largest of all these distances (the Hausdorff distance).
    score: forth + back, lower is better.
    """

    forth: float
    back: float
    farthest: float
    score: float = attrs.field(metadata={"better": "lower"})


def chamfer(points: np.ndarray, others: np.ndarray, *, squared: bool = False) -> Chamfer:
    """Return the Chamfer distance of two sets of points (Barrow et al. 1977; squared: Fan et al. 2017, with means):

        1/N sum_p min_q |p - q| + 1/M sum_q min_p |p - q|

    The sets are not aligned first: only a motion of both together leaves the distance as it is. Two samples of one
    surface have a distance above 0: compare with the distance of two such samples. A KD-tree takes time about (N + M)
    log (N + M).

    points, others: (N, D) and (M, D), mostly D = 3.

    Raises ValueError where a set is empty or not finite.

    >>> chamfer(np.zeros((1, 3)), np.asarray([[3.0, 4, 0], [0, 0, 1]])).score          # 1 + (5 + 1) / 2
    4.0
    """
    from scipy.spatial import cKDTree

    a, b = np.asarray(points, np.float64), np.asarray(others, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or 0 in (*a.shape, *b.shape):
        raise ValueError(f"points must be (N, D) and (M, D), one at least; found {a.shape} and {b.shape}")
    for name, x in (("points", a), ("others", b)):
        if not np.isfinite(x).all():
            raise ValueError(f"{int((~np.isfinite(x)).any(1).sum())} of {len(x)} {name} are not finite")
    forth, back = cKDTree(b).query(a)[0], cKDTree(a).query(b)[0]
    if squared:
        forth, back = forth ** 2, back ** 2
    one, other = float(forth.mean()), float(back.mean())
    return Chamfer(one, other, float(max(forth.max(), back.max())), one + other)
