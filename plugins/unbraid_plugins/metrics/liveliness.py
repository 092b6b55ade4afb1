"""Which chunks do anything at all."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.metrics.chunks import Chunks, all_chunks, exchanged, pairs_of

VISIBLE = 0.5 / 255                                # half a grey level


@attrs.frozen
class LiveChunks:
    """change: mean absolute change of a pixel, in [0, 1], by chunk; live: the chunks above the threshold; score: how
    many they are.
    """

    change: dict[str, float]
    live: list[str]
    score: float


@metric
def live_chunks(codes: np.ndarray, chunks: Chunks, decode: Callable[[np.ndarray], np.ndarray], *, pairs: int = 256,
                threshold: float = 0.05, seed: int = 0) -> LiveChunks:
    """How much the image changes when a chunk is taken from another image; dead chunks change nothing.

    A chunk lives if its change is more than `threshold` times the largest and more than half a grey level.

    codes: (N, D); chunks: name -> columns; decode: codes (n, D) -> images (n, C, H, W) in [0, 1].
    """
    receivers, donors = pairs_of(len(codes), pairs, seed)
    own, others = codes[receivers], codes[donors]
    before = decode(own)
    change = {name: float(np.abs(decode(exchanged(own, others, span)) - before).mean())
              for name, span in all_chunks(codes, chunks).items()}
    least = max(threshold * max(change.values()), VISIBLE)
    live = [name for name, c in change.items() if c > least]
    return LiveChunks(change, live, float(len(live)))
