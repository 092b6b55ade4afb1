"""Retrieval of the other frames of a clip, by each chunk of a code."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.chunks.chunks import Chunks
from unbraid_plugins.shared.metrics.chunks.retrieval import retrieval_map


@attrs.frozen(eq=False)
class ClipRetrieval:
    """Mean average precisions of retrieving the frames of one clip.

    chunks: by chunk, in [0, 1].
    chance: of a code that knows nothing.
    score: the best chunk's.
    """

    chunks: dict[str, float]
    chance: float
    score: float


@metric(better="higher")
def clip_retrieval(codes: np.ndarray, clips: np.ndarray, chunks: Chunks | None = None) -> ClipRetrieval:
    """Return how well each chunk finds the other frames of a clip among frames of all clips (`retrieval_map`).

    A chunk of the content finds them; one of the pose should not.

    codes: (N, D), of frames.
    clips: (N,), the clip of each.
    chunks: name -> columns.
    """
    found = retrieval_map(codes, {"clip": np.unique(clips, return_inverse=True)[1]}, chunks)
    return ClipRetrieval(dict(zip(found.chunks, found.matrix[0].tolist(), strict=True)), found.chance["clip"],
                         found.score)
