"""Edit control: whether editing one factor of the code moves that factor of the image and no other."""

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

VISIBLE = 0.1                                      # below this, oracles hardly see a factor


@attrs.frozen(eq=False)
class EditControl:
    """Effects of each chunk, taken from another image, on each factor, as oracles see it.

    moved: (chunks, factors) in [0, 1], how much the factor moves; 1: as much as it differs between the real images.
    reached: (chunks, factors) in [0, 1], how much nearer the factor comes to the other image's, at most `moved`.
    visible: (factors,) in [0, 1], how well the oracles tell apart two real images that differ in the factor.
    control: (factors, chunks) in [0, 1].
    best: every factor's chunk of most control.
    one_to_one: every factor's chunk in the best assignment that uses no chunk twice.
    matrix: (factors, factors), row k has the movement of each factor by the edit of factor k.
    by_factor: the control of each factor by its chunk, without factors that are hardly visible.
    score: the mean of by_factor.
    resampled: hidden, the scores of bootstrap resamples of the pairs.

    `matrix` and `by_factor` use the chunks of `one_to_one`, and are 0 for a factor without a chunk.
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


@metric(better="higher")
def edit_control(images: np.ndarray, codes: np.ndarray, factors: Factors, chunks: Chunks,
                 decode: Callable[[np.ndarray], np.ndarray], oracles: Oracles, *, pairs: int = 400,
                 resamples: int = 0, seed: int = 0) -> EditControl:
    """Measure whether editing factor k of the code moves only factor k of the image.

    The score says how diagonal the matrix of edits is.

    A chunk c is taken from another image. The oracles predict probabilities of factor k: p and p' for the decoded image
    before and after the edit, real for the image itself, and q for the other image itself. TV is the total variation of
    two predictions (of certain ones: 0 or 1):

        moved_ck   = E TV(p, p') / E TV(real, q)              over pairs that differ in factor k
        reached_ck = E max(TV(p, q) - TV(p', q), 0) / E TV(real, q)
        control_kc = moved_ck * moved_ck / sum_j moved_cj:    how much it moves, times its share of all that moves
        score      = 1/K sum_k control_k c(k),                c: the one-to-one assignment of most control

    1: every factor has a chunk that moves it wholly and nothing else. A chunk that moves n factors has at most 1/n for
    each. A decoder that ignores its code has 0. Whether the image takes on the factor of the other one is measured by
    `reached`, and by `swap_accuracy`. Factors that the oracles see in less than a tenth of the pairs are left out.

    images: (N, C, H, W), N two at least.
    codes: (N, D).
    factors: name -> (N,) classes.
    chunks: name -> columns.
    decode: codes (n, D) -> images (n, C, H, W).
    pairs: the largest number of images to edit, each once by each chunk.
    resamples: the number of bootstrap resamples over pairs.

    Raises ValueError where shapes do not fit.
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
    """Return how far each chunk moves each factor alone: (factors, chunks), from a matrix (chunks, factors).

    >>> control_of(np.asarray([[1.0, 0], [0, 0.5], [1, 1]])).tolist()            # the last chunk holds both
    [[1.0, 0.0, 0.5], [0.0, 0.5, 0.5]]
    """
    sums = moved.sum(1, keepdims=True)
    return np.divide(np.square(moved), sums, out=np.zeros(moved.shape), where=sums > 0).T


def _beliefs(oracles: Oracles, images: np.ndarray) -> dict[str, np.ndarray]:
    """Return by factor the probabilities (n, classes) of oracles that have them, else their classes (n,)."""
    return (oracles.believe or oracles.see)(images)


def _apart(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the total variation of two predictions, (n,) in [0, 1]."""
    return np.abs(p - q).sum(1) / 2 if p.ndim == 2 else (p != q).astype(np.float64)


def _relative(seen: np.ndarray, apart: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the sums over pairs of effects (chunks, factors, pairs), relative to those of `apart` (factors, pairs).

    weights: how often each pair counts, None: once.
    """
    total = apart.sum(1) if weights is None else apart @ weights
    sums = seen.sum(2) if weights is None else seen @ weights
    return np.minimum(np.divide(sums, total, out=np.zeros(sums.shape), where=total > 0), 1)


def _score(control: np.ndarray, visible: np.ndarray) -> float:
    """Return the mean control of the visible factors under the best one-to-one assignment."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(control, maximize=True)
    seen = visible >= VISIBLE
    return float((control[rows, columns] * seen[rows]).sum() / max(seen.sum(), 1))
