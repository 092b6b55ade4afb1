"""Agreement of clusters with classes: normalised mutual information, and accuracy under the best naming."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid_plugins.shared.metrics.disentanglement.mutual_information import contingency, entropy, information


@attrs.frozen
class SharedInformation:
    """The mutual information of clusters and classes.

    information: in nats.
    clusters, classes: their entropies, in nats.
    score: in [0, 1].
    """

    information: float
    clusters: float
    classes: float
    score: float


def nmi(clusters: np.ndarray, classes: np.ndarray) -> SharedInformation:
    """Return the normalised mutual information:  NMI = I(c; v) / ((H(c) + H(v)) / 2), 1 where both have one class only.

    clusters, classes: (N,) whole numbers; their names do not matter.

    >>> nmi(np.asarray([7, 7, 3, 3]), np.asarray([0, 0, 1, 1])).score
    1.0
    """
    c, v = _named(clusters, classes)
    shared, of_clusters, of_classes = information(contingency(c, v)), entropy(c), entropy(v)
    total = (of_clusters + of_classes) / 2
    return SharedInformation(shared, of_clusters, of_classes, min(shared / total, 1.0) if total > 0 else 1.0)


@attrs.frozen(eq=False)
class ClusteringAccuracy:
    """The accuracy of clusters under the best naming.

    naming: cluster -> class, without those left over.
    counts: (clusters, classes).
    score: in [0, 1].
    """

    naming: dict[int, int]
    counts: np.ndarray
    score: float


def clustering_accuracy(clusters: np.ndarray, classes: np.ndarray) -> ClusteringAccuracy:
    """Return the share of images whose cluster is their class, under the best one-to-one naming (Kuhn 1955).

        ACC = max_m 1/N sum_n [v_n = m(c_n)]

    clusters, classes: (N,) whole numbers.

    >>> clustering_accuracy(np.asarray([2, 2, 0, 0, 1]), np.asarray([0, 0, 1, 0, 1])).score
    0.6
    """
    from scipy.optimize import linear_sum_assignment

    c, v = _named(clusters, classes)
    counts = contingency(c, v)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    names, labels = np.unique(clusters), np.unique(classes)
    naming = {int(names[i]): int(labels[j]) for i, j in zip(rows, columns, strict=True)}
    return ClusteringAccuracy(naming, counts, float(counts[rows, columns].sum() / len(c)))


def _named(clusters: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    clusters, classes = np.asarray(clusters), np.asarray(classes)
    if clusters.ndim != 1 or clusters.shape != classes.shape or not len(clusters):
        raise ValueError(f"clusters and classes must be (N,) both; found {clusters.shape} and {classes.shape}")
    return np.unique(clusters, return_inverse=True)[1], np.unique(classes, return_inverse=True)[1]
