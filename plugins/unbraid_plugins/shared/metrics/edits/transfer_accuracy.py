"""The test of weak annotation: whether one chunk transfers the common factors of images, and none that varies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.bootstrap import NONE, means
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, Factors, best_chunks, check_rows, exchanged, pairs_of
from unbraid_plugins.shared.metrics.chunks.number_regression import Numbers
from unbraid_plugins.shared.metrics.edits.function_accuracy import nearer_of
from unbraid_plugins.shared.metrics.edits.number_oracles import NumberOracles
from unbraid_plugins.shared.metrics.edits.oracles import Oracles

SIGHT = 0.1                                        # least lead of an oracle over chance, or its least R2


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
    oracle: by factor, how often the class of a real image is seen; by number, the R2.
    score: common * varying of `chunk`.
    unseen: factors that the oracles can't see in real images; they are in no mean.
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
    unseen: list[str] = attrs.Factory(list)
    resampled: np.ndarray = attrs.field(default=NONE, repr=False, metadata={"hidden": True})


@metric(better="higher")
def transfer_accuracy(codes: np.ndarray, factors: Factors, shared_factors: Sequence[str], chunks: Chunks,
                      decode: Callable[[np.ndarray], np.ndarray], oracles: Oracles,
                      numbers: Numbers | None = None, number_oracles: NumberOracles | None = None, *, pairs: int = 500,
                      resamples: int = 0, seed: int = 0) -> TransferAccuracy:
    """Measure Szabó et al.'s transfer: the common factor of one image with the varying factor of another.

    Each chunk of an image's code, the receiver's, is replaced by another image's, the donor's, and oracles look at the
    decoded image. With the chunk of the common factor, they should see the donor's shared factors and the receiver's
    other factors:

        score = max over chunks of  mean_shared P(donor's class) * mean_others P(receiver's class)

    over pairs that differ in the factor. A number, such as a position, counts as that of the image whose number is
    nearer. A factor that the oracles can't see in real images counts nowhere. In the shortcut, everything lies in the
    other chunk: nothing is transferred, and the score is near 0. A chunk that carries everything keeps nothing: 0 too.

    codes: (N, D).
    factors: name -> (N,) classes.
    numbers: name -> (N, d).
    shared_factors: those that images of a pair, or frames of a clip, share in training, one at least, and not all.
    chunks: name -> columns, two at least.
    decode: codes (n, D) -> images (n, C, H, W).

    Raises ValueError where these are not given.
    """
    check_rows(codes, factors)
    positions = numbers if numbers and number_oracles else {}
    names, seen_by = [*factors, *positions], {**oracles.accuracy, **(number_oracles.r2 if number_oracles else {})}
    unseen = [n for n in names if seen_by.get(n, 1.0) < SIGHT + (0 if n in positions else oracles.chance.get(n, 0.0))]
    shared = [n for n in names if n in set(shared_factors) and n not in unseen]
    others = [n for n in names if n not in shared and n not in unseen]
    if not shared or not others or len(chunks) < 2:
        raise ValueError("a transfer needs factors that pairs share, others that they do not, and two chunks; found "
                         f"{len(shared)}, {len(others)} and {len(chunks)}"
                         + (f"; oracles can't see {', '.join(unseen)}" if unseen else ""))
    receivers, donors = pairs_of(len(codes), pairs, seed)
    donated, stayed = np.full((2, len(receivers), len(chunks), len(names)), np.nan)
    for i, span in enumerate(chunks.values()):
        made = decode(exchanged(codes[receivers], codes[donors], span))
        seen = {**oracles.see(made), **(number_oracles.see(made) if positions and number_oracles else {})}
        for k, name in enumerate(names):
            if name in positions:
                y = positions[name]
                kept, differ = nearer_of(seen[name], y[receivers], y[donors], np.nanstd(y, 0))
                donated[differ, i, k], stayed[differ, i, k] = ~kept[differ], kept[differ]
                continue
            own, other = (np.asarray(factors[name])[rows] for rows in (receivers, donors))
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
        {n: seen_by[n] for n in names}, float(common[best] * varying[best]), unseen,
        (again[0] * again[1])[:, best] if resamples else NONE)


def _share(hits: np.ndarray) -> np.ndarray:
    """Return the mean over pairs (P, ...) without NaN; 0 where all are NaN."""
    known = ~np.isnan(hits)
    return np.nansum(hits, 0) / np.maximum(known.sum(0), 1)


def _named(matrix: np.ndarray, chunks: list[str], names: list[str]) -> dict[str, dict[str, float]]:
    return {c: dict(zip(names, row.tolist(), strict=True)) for c, row in zip(chunks, matrix, strict=True)}
