"""Features with their identities and poses, for the metrics of identities."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, Factors, all_chunks, check_rows

POSES = ("yaw", "pose", "azimuth")                 # factors that are poses, the first that the data has


@attrs.frozen(eq=False)
class Faces:
    """Features with their identities and poses, of images of which both are known.

    features: (N, D), of length 1, or 0 where a code is 0.
    identity, pose: (N,) classes.
    chunk: the chunk that the features are.
    pose_name: the factor that the pose is.
    rows: (N,) their rows among all images.
    """

    features: np.ndarray
    identity: np.ndarray
    pose: np.ndarray
    chunk: str
    pose_name: str
    rows: np.ndarray


def faces(codes: np.ndarray, factors: Factors, chunks: Chunks | None, identity: str, pose: str) -> Faces | None:
    """Return the features, identities and poses of images; None where the data has no such factors.

    The features are the chunk with the identity's name, where the code has one, else the whole code. A chunk of one
    dimension, which has no cosine but 1 and -1, is compared by its value.

    pose: the factor that is the pose; "" for the first of POSES that there is.

    Raises ValueError where codes, chunks and factors do not fit, or the named pose is no factor.
    """
    spans = all_chunks(codes, chunks)
    check_rows(codes, factors)
    if pose and pose not in factors:
        raise ValueError(f"there is no factor {pose!r}; there is {', '.join(factors) or 'none'}")
    found = pose or next((name for name in POSES if name in factors), "")
    if identity not in factors or not found:
        return None
    who, turned = np.asarray(factors[identity]), np.asarray(factors[found])
    rows = np.flatnonzero((who >= 0) & (turned >= 0))
    chunk = identity if identity in spans else "code"
    a, b = spans.get(chunk, (0, codes.shape[1]))
    features = codes[rows, a:b] if b - a > 1 else np.insert(codes[rows, a:b], 1, 1, axis=1)    # the angle of (v, 1)
    return Faces(unit(features), who[rows], turned[rows], chunk, found, rows)


def unit(features: np.ndarray) -> np.ndarray:
    """Return features (N, D) of length 1, so that their products are cosines; zeros stay zeros.

    >>> unit(np.asarray([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    x = np.asarray(features, np.float64)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.divide(x, length, out=np.zeros(x.shape), where=length > 0)


def middle(pose: np.ndarray) -> int:
    """Return the middle one of the poses that occur, the frontal one where they go from left to right.

    >>> middle(np.asarray([6, 0, 1, 2, 3, 4, 5]))
    3
    """
    there = np.unique(pose)
    return int(there[len(there) // 2])
