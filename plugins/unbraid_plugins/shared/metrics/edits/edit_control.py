"""Whether editing one factor of the code moves that factor of the image and no other."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.bootstrap import NONE, counts
from unbraid_plugins.shared.metrics.chunks.chunks import (
    Chunks,
    Factors,
    all_chunks,
    best_chunks,
    check_rows,
    exchanged,
    mean,
    one_to_one,
    pairs_of,
)
from unbraid_plugins.shared.metrics.edits.oracles import Oracles

VISIBLE = 0.1                                      # of a factor that the oracles tell apart hardly ever


@attrs.frozen(eq=False)
class EditControl:
    """What taking each chunk from another image does to each factor, as oracles see it.

    moved: (chunks, factors) in [0, 1], how much the factor moves, 1: as much as it differs between the real images;
    reached: (chunks, factors) in [0, 1], how much nearer it comes to the other's, at most `moved`; visible: (factors,)
    in [0, 1], how well the oracles tell two real images apart that differ in the factor; control: (factors, chunks) in
    [0, 1]; best: every factor's chunk of most control; one_to_one: no chunk twice; matrix: (factors, factors), row k
    what the edit of factor k moves (by one_to_one; 0 where no chunk is left); by_factor: its control, without factors
    that are hardly visible; score: their mean; resampled: hidden, scores of pairs that are drawn again.
    """

    factors: list[str]
    chunks: list[str]
    moved: np.ndarray
    reached: np.ndarray
    visible: np.ndarray
    control: np.ndarray
    best: dict[str, str]
    one_to_one: dict[str, str]
    matrix: np.ndarray
    by_factor: dict[str, float]
    score: float
    resampled: np.ndarray = attrs.field(default=NONE, repr=False, metadata={"hidden": True})


@metric
def edit_control(images: np.ndarray, codes: np.ndarray, factors: Factors, chunks: Chunks,
                 decode: Callable[[np.ndarray], np.ndarray], oracles: Oracles, *, pairs: int = 400,
                 resamples: int = 0, seed: int = 0) -> EditControl:
    """Does editing factor k of the code move only factor k of the image?  How diagonal the matrix of edits is.

    A chunk c is taken from another image; p, p' and q are what the oracles believe of factor k of the decoded image
    before and after, and of the other image itself, TV the total variation of two beliefs (of sure ones: 0 or 1):

        moved_ck   = E TV(p, p') / E TV(real, q)              over pairs that differ in factor k
        reached_ck = E max(TV(p, q) - TV(p', q), 0) / E TV(real, q)
        control_kc = moved_ck * moved_ck / sum_j moved_cj:    how much it moves, times its share of all that moves
        score      = 1/K sum_k control_k c(k),                c: the one-to-one assignment of most control

    1: every factor has a chunk that moves it wholly and nothing else. A chunk that moves n factors has at most 1/n for
    each, a decoder that ignores its code 0. Whether the image gets what the other one has is told by `reached`, and by
    `swap_accuracy`. Factors that the oracles see in less than a tenth of the pairs are left out.

    images: (N, C, H, W), N two at least; codes: (N, D); factors: name -> (N,) classes; chunks: name -> columns; decode:
    codes (n, D) -> images (n, C, H, W); pairs: at most so many images are edited, once by each chunk; resamples: of the
    bootstrap over pairs.  Raises ValueError where shapes do not fit.
    """
    spans = all_chunks(codes, chunks)
    check_rows(codes, factors)
    if len(codes) < 2 or len(images) != len(codes):
        raise ValueError("an edit takes a chunk from another image: it needs two images at least, and a code of each; "
                         f"found {len(images)} images and {len(codes)} codes")
    names, columns = list(factors), list(spans)
    receivers, donors = pairs_of(len(codes), pairs, seed)
    own, others = codes[receivers], codes[donors]
    before, truth = _beliefs(oracles, decode(own)), _beliefs(oracles, images[donors])
    real, labels = _beliefs(oracles, images[receivers]), [np.asarray(factors[n]) for n in names]
    differ = np.stack([(y[receivers] != y[donors]) & (y[receivers] >= 0) & (y[donors] >= 0) for y in labels])
    apart = np.stack([_apart(real[n], truth[n]) for n in names]) * differ                    # (factors, pairs)
    moves, nearer = np.zeros((2, len(columns), *differ.shape))
    for i, span in enumerate(spans.values()):
        after = _beliefs(oracles, decode(exchanged(own, others, span)))
        for k, n in enumerate(names):
            moves[i, k] = _apart(before[n], after[n]) * differ[k]
            nearer[i, k] = np.maximum(_apart(before[n], truth[n]) - _apart(after[n], truth[n]), 0) * differ[k]
    moved, reached = _relative(moves, apart), _relative(nearer, apart)
    visible = apart.sum(1) / np.maximum(differ.sum(1), 1)
    control = control_of(moved)
    single = one_to_one(control, names, columns)
    matrix = np.zeros((len(names), len(names)))
    for f, c in single.items():
        matrix[names.index(f)] = moved[columns.index(c)]
    by_factor = {f: float(control[k, columns.index(single[f])]) if f in single else 0.0
                 for k, f in enumerate(names) if visible[k] >= VISIBLE}
    again = [_score(control_of(_relative(moves, apart, n)), visible) for n in counts(len(own), resamples, seed)]
    return EditControl(names, columns, moved, reached, visible, control, best_chunks(control, names, columns), single,
                       matrix, by_factor, mean(by_factor), np.asarray(again))


def control_of(moved: np.ndarray) -> np.ndarray:
    """How far each chunk moves each factor alone: (factors, chunks), of a matrix (chunks, factors).

    >>> control_of(np.asarray([[1.0, 0], [0, 0.5], [1, 1]])).tolist()            # the last chunk holds both
    [[1.0, 0.0, 0.5], [0.0, 0.5, 0.5]]
    """
    sums = moved.sum(1, keepdims=True)
    return np.divide(np.square(moved), sums, out=np.zeros(moved.shape), where=sums > 0).T


def _beliefs(oracles: Oracles, images: np.ndarray) -> dict[str, np.ndarray]:
    """By factor the probabilities (n, classes) of oracles that have them, else their classes (n,)."""
    return (oracles.believe or oracles.see)(images)


def _apart(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The total variation of beliefs, (n,) in [0, 1]."""
    return np.abs(p - q).sum(1) / 2 if p.ndim == 2 else (p != q).astype(np.float64)


def _relative(seen: np.ndarray, apart: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """The sums (chunks, factors) of what is seen, (chunks, factors, pairs), over those of (factors, pairs)."""
    total = apart.sum(1) if weights is None else apart @ weights
    sums = seen.sum(2) if weights is None else seen @ weights
    return np.minimum(np.divide(sums, total, out=np.zeros(sums.shape), where=total > 0), 1)


def _score(control: np.ndarray, visible: np.ndarray) -> float:
    """The mean over visible factors under the best one-to-one assignment."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(control, maximize=True)
    seen = visible >= VISIBLE
    return float((control[rows, columns] * seen[rows]).sum() / max(seen.sum(), 1))
