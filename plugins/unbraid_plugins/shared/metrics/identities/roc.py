"""The receiver operating characteristic of a verification: true accepts over false accepts."""

from __future__ import annotations

import attrs
import numpy as np


@attrs.frozen(eq=False)
class Roc:
    """A verification's rates at every threshold, from none accepted to all accepted.

    far: (T,) shares of impostor pairs that are accepted, false accept rates, not falling.
    tar: (T,) shares of genuine pairs that are accepted, true accept rates, not falling.
    threshold: (T,) similarities from which on pairs are accepted, falling; the first is infinite.
    genuine, impostors: numbers of pairs.
    """

    far: np.ndarray
    tar: np.ndarray
    threshold: np.ndarray
    genuine: int
    impostors: int

    def tar_at(self, far: float) -> float:
        """Return the largest true accept rate whose false accept rate is at most `far`."""
        return float(self.tar[np.searchsorted(self.far, far, side="right") - 1])

    @property
    def eer(self) -> float:
        """The equal error rate: where as many genuine pairs are rejected as impostors accepted, on the straight lines
        between thresholds."""
        miss = 1 - self.tar
        i = int(np.argmax(self.far >= miss))                         # the first threshold at which FAR >= 1 - TAR
        before, after = (miss - self.far)[i - 1], (miss - self.far)[i]
        by = before / (before - after) if before > after else 0.0
        return float(self.far[i - 1] + by * (self.far[i] - self.far[i - 1]))

    @property
    def auc(self) -> float:
        """The area under the curve, by trapezoids: how often a genuine pair is more similar than an impostor pair."""
        return float(np.trapezoid(self.tar, self.far))


def roc(similarity: np.ndarray, same: np.ndarray) -> Roc:
    """Return the rates of a verification that accepts pairs from a threshold on.

    similarity: (P,) of pairs, higher is more similar.
    same: (P,) whether a pair is genuine.

    Raises ValueError where shapes differ, a similarity is not finite, or one kind of pairs is missing.

    >>> found = roc(np.asarray([0.9, 0.8, 0.3, 0.1]), np.asarray([True, False, True, False]))
    >>> found.far.tolist(), found.tar.tolist(), found.tar_at(0.4), found.eer
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0], 0.5, 0.5)
    """
    scores, genuine = np.asarray(similarity, np.float64), np.asarray(same, bool)
    if scores.ndim != 1 or scores.shape != genuine.shape:
        raise ValueError(f"similarities and truths must be (P,) both; found {scores.shape} and {genuine.shape}")
    if not np.isfinite(scores).all():
        raise ValueError(f"{int((~np.isfinite(scores)).sum())} of {len(scores)} similarities are not finite")
    if genuine.all() or not genuine.any():
        raise ValueError("a verification needs pairs of one person and pairs of two; all of these are of "
                         + ("one" if len(genuine) and genuine.all() else "two"))
    order = np.argsort(-scores, kind="stable")
    scores, genuine = scores[order], genuine[order]
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)         # equal similarities are one step
    accepted = np.cumsum(genuine)[last]
    true, false = accepted / genuine.sum(), (last + 1 - accepted) / (~genuine).sum()
    return Roc(np.append(0, false), np.append(0, true), np.append(np.inf, scores[last]), int(genuine.sum()),
               int((~genuine).sum()))
