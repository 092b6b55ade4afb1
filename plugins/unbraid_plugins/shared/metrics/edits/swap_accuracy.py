"""Swap accuracy: whether swapping a chunk swaps its factor and nothing else, as oracles see it."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, Factors, check_rows, exchanged, mean, pairs_of
from unbraid_plugins.shared.metrics.chunks.retrieval import RetrievalMap
from unbraid_plugins.shared.metrics.edits.oracles import Oracles


@attrs.frozen
class SwapAccuracy:
    """Effects of swapping each factor's chunk, by factor, in [0, 1].

    chunk: the chunk that was swapped.
    transferred: how often the donor's class is seen, among pairs that differ in it.
    kept: how often the receiver's classes of the other factors are seen.
    rebuilt: how often the receiver's own class is seen in its reconstruction.
    oracle: how often the class of a real image is seen.
    score: mean of transferred * kept.
    """

    chunk: dict[str, str]
    transferred: dict[str, float]
    kept: dict[str, float]
    rebuilt: dict[str, float]
    oracle: dict[str, float]
    score: float


@metric(better="higher")
def swap_accuracy(codes: np.ndarray, factors: Factors, chunks: Chunks, decode: Callable[[np.ndarray], np.ndarray],
                  retrieval_map: RetrievalMap, oracles: Oracles, *, pairs: int = 500, seed: int = 0) -> SwapAccuracy:
    """Swap each factor's best chunk by retrieval between two images, and measure the classes that oracles see.

    A decoder that ignores the chunk transfers nothing. Where a chunk holds everything, `kept` is at chance.

    codes: (N, D).
    factors: name -> (N,) classes.
    chunks: name -> columns.
    decode: codes (n, D) -> images (n, C, H, W).
    """
    check_rows(codes, factors)
    receivers, donors = pairs_of(len(codes), pairs, seed)
    own, others = codes[receivers], codes[donors]
    of_receiver = {name: np.asarray(y)[receivers] for name, y in factors.items()}
    of_donor = {name: np.asarray(y)[donors] for name, y in factors.items()}
    swapped = {c: oracles.see(decode(exchanged(own, others, chunks[c]))) for c in set(retrieval_map.best.values())}
    rebuilt = oracles.see(decode(own))
    transferred, kept = {}, {}
    for name in factors:
        seen = swapped[retrieval_map.best[name]]
        a, b = of_receiver[name], of_donor[name]
        transferred[name] = _share(seen[name] == b, (a != b) & (a >= 0) & (b >= 0))
        stay = {g: _share(seen[g] == y, y >= 0) for g, y in of_receiver.items() if g != name}
        kept[name] = mean(stay) if stay else 1.0
    return SwapAccuracy(dict(retrieval_map.best), transferred, kept,
                        {name: _share(rebuilt[name] == y, y >= 0) for name, y in of_receiver.items()},
                        {name: oracles.accuracy[name] for name in factors},
                        mean({name: transferred[name] * kept[name] for name in factors}))


def _share(hits: np.ndarray, among: np.ndarray) -> float:
    return float(hits[among].mean()) if among.any() else 0.0
