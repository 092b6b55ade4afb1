"""The kernel distance of two sets of features."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid_plugins.shared.metrics.images.features import blocks, feature_sets


@attrs.frozen(eq=False)
class KernelDistance:
    """A kernel distance and its estimates.

    by_subset: the estimates.
    deviation: the standard deviation of the estimates, 0 for a single one.
    score: their mean, about 0 for equal distributions and below it by chance; lower is better.
    """

    by_subset: np.ndarray
    deviation: float
    score: float = attrs.field(metadata={"better": "lower"})


def kernel_distance(features: np.ndarray, others: np.ndarray, *, degree: int = 3, gamma: float | None = None,
                    offset: float = 1.0, subsets: int = 0, size: int = 1000, seed: int = 0) -> KernelDistance:
    """Return the unbiased squared maximum mean discrepancy with a polynomial kernel (Binkowski et al. 2018):

        MMD^2 = 1/(N (N-1)) sum_{i != j} k(x_i, x_j) + 1/(M (M-1)) sum_{i != j} k(y_i, y_j) - 2/(N M) sum_ij k(x_i, y_j)
        k(x, y) = (gamma x.y + offset)^degree,    gamma = 1/D where it is None

    With subsets = 0 all rows are compared, in time O((N + M)^2 D) and little memory. With subsets = n the result is the
    mean over n draws of `size` rows of each set, for large sets: the "KID" of the literature (100 of 1000).

    features, others: (N, D) and (M, D), two rows at least.

    Raises ValueError where a set is too small or not finite, or the widths differ.

    >>> x = np.asarray([[0.0], [1.0]])
    >>> kernel_distance(x, x + 1, degree=1).score                    # of means: no x_i x_j with i = j
    0.5
    """
    a, b = feature_sets(features, others)
    if min(len(a), len(b)) < 2:
        raise ValueError(f"a discrepancy without bias needs two rows of each set; found {len(a)} and {len(b)}")
    gamma = 1 / a.shape[1] if gamma is None else gamma
    size, random = min(size, len(a), len(b)), np.random.default_rng(seed)
    if subsets and size < 2:
        raise ValueError(f"subsets of {size} rows are too small: two at least")
    pairs = ([(a, b)] if not subsets else
             [(a[random.choice(len(a), size, replace=False)], b[random.choice(len(b), size, replace=False)])
              for _ in range(subsets)])
    found = np.asarray([_discrepancy(x, y, degree, gamma, offset) for x, y in pairs])
    return KernelDistance(found, float(found.std()), float(found.mean()))


def _discrepancy(x: np.ndarray, y: np.ndarray, degree: int, gamma: float, offset: float) -> float:
    def total(u: np.ndarray, v: np.ndarray) -> float:
        return sum(float(((gamma * (p @ q.T) + offset) ** degree).sum()) for p in blocks(u, 1024) for q in blocks(v))

    def others(u: np.ndarray) -> float:
        own = sum(float(((gamma * np.square(p).sum(1) + offset) ** degree).sum()) for p in blocks(u))
        return (total(u, u) - own) / (len(u) * (len(u) - 1))

    return others(x) + others(y) - 2 * total(x, y) / (len(x) * len(y))
