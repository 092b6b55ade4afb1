"""Rank-1 identification by pose: is the most similar gallery image of the same person?"""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.bootstrap import NONE, means
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, Factors
from unbraid_plugins.shared.metrics.identities.factors import Faces, faces, middle

TIE = 1e-9                                         # similarities that differ by less are equal


@attrs.frozen(eq=False)
class Rank1Identification:
    """Shares of probes whose most similar gallery image is of the same person.

    by_pose: class of the pose -> share in [0, 1].
    probes: class of the pose -> number of images.
    identities: number of people in the gallery.
    chance: 1 / identities.
    gallery: class of the pose of the gallery's images.
    chunk, pose: the chunk of the code that was compared, and the factor that the pose is.
    score: the mean of by_pose over all poses but the gallery's.
    resampled: hidden, the scores of bootstrap resamples of the images.
    """

    by_pose: dict[int, float]
    probes: dict[int, int]
    identities: int
    chance: float
    gallery: int
    chunk: str
    pose: str
    score: float
    resampled: np.ndarray = attrs.field(default=NONE, repr=False, metadata={"hidden": True})


@metric(better="higher")
def rank_1_identification(codes: np.ndarray, factors: Factors, chunks: Chunks | None = None, *,
                          identity: str = "identity", pose: str = "", gallery: int | None = None, draws: int = 10,
                          resamples: int = 0, seed: int = 0) -> Rank1Identification | None:
    """Return how often the most similar image of a gallery is of the same person, by pose (Tran et al. 2017).

    Similarity is the cosine. The gallery has one image of each person, of one pose; all other images are probes. It is
    drawn several times, and the shares are means over the draws. Where several images are most similar, the share of
    them that is right counts. People without an image for the gallery are left out. Returns None for data without
    identities and poses.

    codes: (N, D); a chunk with the identity's name is compared alone.
    factors: name -> (N,) classes, -1 where unknown, which is left out.
    chunks: name -> columns.
    identity: the factor that says who it is.
    pose: the factor that is the pose; by default yaw, pose or azimuth.
    gallery: the gallery's pose, by default the middle one, which is frontal where poses go from left to right.
    draws: the number of galleries.
    resamples: the number of bootstrap resamples over images.

    Raises ValueError where fewer than two people have an image for the gallery, or there is no probe of another pose.

    >>> who, turned = np.repeat([0, 1], 3), np.tile([0, 1, 2], 2)
    >>> rank_1_identification(np.eye(2)[who], {"identity": who, "yaw": turned}).by_pose
    {0: 1.0, 2: 1.0}
    """
    known = faces(codes, factors, chunks, identity, pose)
    if known is None:
        return None
    front = middle(known.pose) if gallery is None else gallery
    hits = _hits(known, front, draws, np.random.default_rng(seed))
    poses = [int(p) for p in np.unique(known.pose[~np.isnan(hits)])]
    if all(p == front for p in poses):
        raise ValueError(f"all images whose person is in the gallery are of {known.pose_name} {front}")
    split = np.where(known.pose[:, None] == np.asarray(poses), hits[:, None], np.nan)
    by_pose = {p: float(np.nanmean(split[:, i])) for i, p in enumerate(poses)}
    probes = {p: int((~np.isnan(split[:, i])).sum()) for i, p in enumerate(poses)}
    turned = [i for i, p in enumerate(poses) if p != front]
    again = means(split[:, turned], resamples, seed).mean(1) if resamples else NONE
    people = len(np.unique(known.identity[known.pose == front]))
    return Rank1Identification(by_pose, probes, people, 1 / people, front, known.chunk, known.pose_name,
                               float(np.mean([by_pose[poses[i]] for i in turned])), again)


def _hits(known: Faces, front: int, draws: int, random: np.random.Generator) -> np.ndarray:
    """Return for each image how often it is identified, in [0, 1]; NaN where it is no probe in any draw."""
    frontal = np.flatnonzero(known.pose == front)
    people = np.unique(known.identity[frontal])
    if len(people) < 2:
        raise ValueError(f"a gallery needs images of two people at least, of {known.pose_name} {front}; "
                         f"found {len(people)}")
    total, times = np.zeros((2, len(known.identity)))
    there = np.isin(known.identity, people)
    own = np.searchsorted(people, np.where(there, known.identity, people[0]))
    for _ in range(draws):
        shuffled = random.permutation(frontal)
        first = shuffled[np.unique(known.identity[shuffled], return_index=True)[1]]       # one of each, by identity
        similar = known.features @ known.features[first].T
        best = similar >= similar.max(1, keepdims=True) - TIE
        asked = there.copy()
        asked[first] = False
        total += np.where(asked, best[np.arange(len(own)), own] / best.sum(1), 0)
        times += asked
    return np.divide(total, times, out=np.full(len(own), np.nan), where=times > 0)
