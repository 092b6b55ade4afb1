"""Verification: are two images of one person?"""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, Factors
from unbraid_plugins.shared.metrics.identities.factors import faces, middle
from unbraid_plugins.shared.metrics.identities.roc import Roc, roc

RATES = (0.1, 0.01, 0.001)                         # false accept rates that papers name


@attrs.frozen(eq=False)
class Verification:
    """Rates of a verification by the cosine of two images' features.

    eer: equal error rate, in [0, 1], lower is better.
    tar_at: false accept rate -> true accept rate.
    auc: area under the curve.
    eer_by_pose: class of the pose -> equal error rate of pairs of a frontal image and one of this pose.
    genuine, impostors: numbers of pairs; a false accept rate below 1 / impostors says nothing.
    chunk, pose: the chunk of the code that was compared, and the factor that the pose is.
    score: 1 - eer.
    curve: hidden, the rates at every threshold.
    """

    eer: float
    tar_at: dict[float, float]
    auc: float
    eer_by_pose: dict[int, float]
    genuine: int
    impostors: int
    chunk: str
    pose: str
    score: float
    curve: Roc = attrs.field(repr=False, metadata={"hidden": True})


@metric(better="higher")
def verification(codes: np.ndarray, factors: Factors, chunks: Chunks | None = None, *, identity: str = "identity",
                 pose: str = "", frontal: int | None = None, most: int = 2000, seed: int = 0) -> Verification | None:
    """Return how well the cosine of two images' features tells whether they are of one person.

    All pairs of different images count: those of one person are genuine, the others impostors. Returns None for data
    without identities and poses, or where all images are of one person, or each of another.

    codes: (N, D); a chunk with the identity's name is compared alone.
    factors: name -> (N,) classes, -1 where unknown, which is left out.
    chunks: name -> columns.
    identity: the factor that says who it is.
    pose: the factor that is the pose; by default yaw, pose or azimuth.
    frontal: the pose that the others are compared with, by default the middle one.
    most: the largest number of images, drawn by the seed where there are more.
    """
    known = faces(codes, factors, chunks, identity, pose)
    if known is None:
        return None
    rows = np.random.default_rng(seed).permutation(len(known.rows))[:most]
    features, who, turned = known.features[rows], known.identity[rows], known.pose[rows]
    similar, same = features @ features.T, who[:, None] == who
    one, two = np.triu_indices(len(rows), 1)
    if same[one, two].all() or not same[one, two].any():
        return None
    curve = roc(similar[one, two], same[one, two])
    front = turned == (middle(turned) if frontal is None else frontal)
    by_pose = {}
    for p in np.unique(turned):
        pairs = front[:, None] & (turned == p) & ~np.eye(len(rows), dtype=bool)
        if same[pairs].any() and not same[pairs].all():
            by_pose[int(p)] = roc(similar[pairs], same[pairs]).eer
    return Verification(curve.eer, {f: curve.tar_at(f) for f in RATES}, curve.auc, by_pose, curve.genuine,
                        curve.impostors, known.chunk, known.pose_name, 1 - curve.eer, curve)
