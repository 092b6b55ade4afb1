"""The Fréchet distance of two sets of features."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid_plugins.shared.metrics.images.features import blocks, feature_sets


@attrs.frozen
class FrechetDistance:
    """A Fréchet distance and its parts, in squared units of the features.

    means: |m_1 - m_2|^2.
    covariances: the rest.
    score: their sum, from 0, lower is better.
    """

    means: float
    covariances: float
    score: float = attrs.field(metadata={"better": "lower"})


def frechet_distance(features: np.ndarray, others: np.ndarray) -> FrechetDistance:
    """Return the Fréchet distance of two sets of features as if they were Gaussian (Heusel et al. 2017, eq. 6):

        d^2 = |m_1 - m_2|^2 + Tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2))

    with the means m and the sample covariances S. The distance is biased: for two sets of one distribution it is about
    c(D) (1/N + 1/M), so only sets of equal sizes compare. The trace of the root is the nuclear norm of S_1^(1/2)
    S_2^(1/2), which always exists.

    features, others: (N, D) and (M, D); a single row has the covariance 0.

    It takes O(D^2) memory beside the features. Raises ValueError where a set is empty or not finite, or the widths
    differ.

    >>> x = np.asarray([[0.0], [2.0]])
    >>> round(frechet_distance(x, 3 * x + 1).score, 6)               # (1 - 4)^2 + (sqrt 2 - sqrt 18)^2
    17.0
    """
    a, b = feature_sets(features, others)
    (mean_a, cov_a), (mean_b, cov_b) = moments(a), moments(b)
    shift = float(np.square(mean_a - mean_b).sum())
    common = np.linalg.svd(_root(cov_a) @ _root(cov_b), compute_uv=False).sum()
    rest = max(float(np.trace(cov_a) + np.trace(cov_b) - 2 * common), 0.0)
    return FrechetDistance(shift, rest, shift + rest)


def moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean (D,) and the sample covariance (D, D) of features (N, D), in float64, block by block."""
    mean = np.sum([block.sum(0) for block in blocks(x)], axis=0) / len(x)
    covariance = np.zeros((x.shape[1], x.shape[1]))
    for block in blocks(x):
        block = block - mean
        covariance += block.T @ block
    return mean, covariance / max(len(x) - 1, 1)


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
