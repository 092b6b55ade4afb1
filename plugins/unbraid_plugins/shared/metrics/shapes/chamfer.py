"""How far two sets of points are from each other."""

from __future__ import annotations

import attrs
import numpy as np


@attrs.frozen
class Chamfer:
    """forth: mean distance of the points to the nearest others; back: of the others to the nearest points; farthest:
    the largest of all (the Hausdorff distance); score: forth + back; all in the unit of the points, or its square;
    lower is better.
    """

    forth: float
    back: float
    farthest: float
    score: float = attrs.field(metadata={"better": "lower"})


def chamfer(points: np.ndarray, others: np.ndarray, *, squared: bool = False) -> Chamfer:
    """Chamfer distance of two sets of points (Barrow et al. 1977; squared: Fan et al. 2017, with means):

        1/N sum_p min_q |p - q| + 1/M sum_q min_p |p - q|

    Nothing is aligned, and only what both are moved by does not matter. Sets that are drawn from one surface are not at
    0: compare with the distance of two draws. By a KD-tree, in time about (N + M) log (N + M).

    points, others: (N, D) and (M, D), mostly D = 3.  Raises ValueError where a set is empty or not finite.

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
