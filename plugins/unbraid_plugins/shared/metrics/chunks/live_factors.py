"""Live factors: the chunks of a code that are used at all."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks, all_chunks, exchanged, pairs_of

VISIBLE = 0.5 / 255                                # half a grey level


@attrs.frozen
class LiveFactors:
    """The chunks of a code that are used.

    change: by chunk, the mean absolute change of a pixel, in [0, 1], empty without a decoder.
    kl: by chunk, in nats, empty for a deterministic code.
    live: the chunks that are used.
    score: the number of chunks that are used.
    """

    change: dict[str, float]
    kl: dict[str, float]
    live: list[str]
    score: float


@metric(better="higher")
def live_factors(codes: np.ndarray, chunks: Chunks | None, decode: Callable[[np.ndarray], np.ndarray] | None,
                 kl: np.ndarray | None = None, *, pairs: int = 256, threshold: float = 0.05, least_kl: float = 0.01,
                 seed: int = 0) -> LiveFactors:
    """Find the chunks of the code that are used: by their KL where it is given, else by how much they change the image.

    A chunk of a variational code is live if KL(q(z | x) || N(0, I)) of its dimensions, mean over images, is more than
    `least_kl`: 0.01 nats, as in Duan et al. 2020. A chunk of a deterministic code is live if taking it from another
    image changes the decoded one by more than `threshold` times the largest change and by more than half a grey level.

    codes: (N, D).
    chunks: name -> columns, or None for the whole code as one.
    decode: codes (n, D) -> images (n, C, H, W) in [0, 1].
    kl: (N, D) nats.

    Raises ValueError where neither decode nor kl is given, there are no codes, kl is not finite, or shapes do not fit.
    """
    spans = all_chunks(codes, chunks)
    if kl is not None and np.shape(kl) != codes.shape:
        raise ValueError(f"kl must be {codes.shape}, one value for each number of each code; found {np.shape(kl)}")
    if decode is None and kl is None:
        raise ValueError("whether a factor lives shows in decoded images or in its KL; found neither decode nor kl")
    if not len(codes) or (kl is not None and not np.isfinite(kl).all()):
        raise ValueError("there are no codes" if not len(codes) else "kl is not finite everywhere")
    nats = {} if kl is None else {c: float(np.mean(kl[:, a:b].sum(1, dtype=np.float64))) for c, (a, b) in spans.items()}
    change = {} if decode is None else _changes(codes, spans, decode, pairs, seed)
    least = least_kl if nats else max(threshold * max(change.values()), VISIBLE)
    live = [name for name, value in (nats or change).items() if value > least]
    return LiveFactors(change, nats, live, float(len(live)))


def _changes(codes: np.ndarray, spans: Chunks, decode: Callable[[np.ndarray], np.ndarray], pairs: int,
             seed: int) -> dict[str, float]:
    """Return by chunk the mean absolute change of the image when the chunk is taken from another image."""
    receivers, donors = pairs_of(len(codes), pairs, seed)
    own, others = codes[receivers], codes[donors]
    before = decode(own)
    return {name: float(np.abs(decode(exchanged(own, others, span)) - before).mean()) for name, span in spans.items()}
