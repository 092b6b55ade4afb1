"""The test of weak annotation: whether one chunk transfers the common factors of images, and none that varies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.bootstrap import NONE, means
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, Factors, best_chunks, check_rows, exchanged, pairs_of
from unbraid_plugins.shared.metrics.edits.oracles import Oracles


@attrs.frozen(eq=False)
class TransferAccuracy:
    """Effects of taking a chunk from another image, as oracles see it.

    All shares are in [0, 1], of the pairs that differ in the factor.

    shared: the shared factors.
    chunk: the chunk of the highest common * varying.
    common: chunk -> mean of `transferred` over the shared factors.
    varying: chunk -> mean of `kept` over the other factors.
    transferred: chunk -> factor -> how often the donor's class is seen.
    kept: chunk -> factor -> how often the receiver's class is seen.
    best: every factor's chunk, by `transferred`.
    oracle: by factor, how often the class of a real image is seen.
    score: common * varying of `chunk`.
    resampled: hidden, the scores of bootstrap resamples of the pairs.
    """

    shared: list[str]
    chunk: str
    common: dict[str, float]
    varying: dict[str, float]
    transferred: dict[str, dict[str, float]]
    kept: dict[str, dict[str, float]]
    best: dict[str, str]
    oracle: dict[str, float]
    score: float
    resampled: np.ndarray = attrs.field(default=NONE, repr=False, metadata={"hidden": True})


@metric(better="higher")
def transfer_accuracy(codes: np.ndarray, factors: Factors, shared_factors: Sequence[str], chunks: Chunks,
                      decode: Callable[[np.ndarray], np.ndarray], oracles: Oracles, *, pairs: int = 500,
                      resamples: int = 0, seed: int = 0) -> TransferAccuracy:
    """Measure Szabó et al.'s transfer: the common factor of one image with the varying factor of another.

    Each chunk of an image's code, the receiver's, is replaced by another image's, the donor's, and oracles look at the
    decoded image. With the chunk of the common factor, they should see the donor's shared factors and the receiver's
    other factors:

        score = max over chunks of  mean_shared P(donor's class) * mean_others P(receiver's class)

    over pairs that differ in the factor. In the shortcut, everything lies in the other chunk: nothing is transferred,
    and the score is near 0. A chunk that carries everything keeps nothing: 0 too.

    codes: (N, D).
    factors: name -> (N,) classes.
    shared_factors: those that images of a pair share in training, one at least, and not all.
    chunks: name -> columns, two at least.
    decode: codes (n, D) -> images (n, C, H, W).

    Raises ValueError where these are not given.
    """
    check_rows(codes, factors)
    names, shared = list(factors), [n for n in factors if n in set(shared_factors)]
    others = [n for n in names if n not in shared]
    if not shared or not others or len(chunks) < 2:
        raise ValueError("a transfer needs factors that pairs share, others that they do not, and two chunks; found "
                         f"{len(shared)}, {len(others)} and {len(chunks)}")
    receivers, donors = pairs_of(len(codes), pairs, seed)
    of_receiver, of_donor = ([np.asarray(factors[n])[rows] for n in names] for rows in (receivers, donors))
    donated, stayed = np.full((2, len(receivers), len(chunks), len(names)), np.nan)
    for i, span in enumerate(chunks.values()):
        seen = oracles.see(decode(exchanged(codes[receivers], codes[donors], span)))
        for k, (name, own, other) in enumerate(zip(names, of_receiver, of_donor, strict=True)):
            differ = (own != other) & (own >= 0) & (other >= 0)
            donated[differ, i, k] = (seen[name] == other)[differ]
            stayed[differ, i, k] = (seen[name] == own)[differ]
    of = [np.asarray([names.index(n) for n in group]) for group in (shared, others)]

    def both(transferred: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return transferred[..., of[0]].mean(-1), kept[..., of[1]].mean(-1)

    transferred, kept = _share(donated), _share(stayed)
    common, varying = both(transferred, kept)
    best = int((common * varying).argmax())
    again = both(*(np.nan_to_num(means(v, resamples, seed)) for v in (donated, stayed)))
    columns = list(chunks)
    return TransferAccuracy(
        shared, columns[best], dict(zip(columns, common.tolist(), strict=True)),
        dict(zip(columns, varying.tolist(), strict=True)), _named(transferred, columns, names),
        _named(kept, columns, names), best_chunks(transferred.T, names, columns),
        {n: oracles.accuracy[n] for n in names}, float(common[best] * varying[best]),
        (again[0] * again[1])[:, best] if resamples else NONE)


def _share(hits: np.ndarray) -> np.ndarray:
    """Return the mean over pairs (P, ...) without NaN; 0 where all are NaN."""
    known = ~np.isnan(hits)
    return np.nansum(hits, 0) / np.maximum(known.sum(0), 1)


def _named(matrix: np.ndarray, chunks: list[str], names: list[str]) -> dict[str, dict[str, float]]:
    return {c: dict(zip(names, row.tolist(), strict=True)) for c, row in zip(chunks, matrix, strict=True)}
