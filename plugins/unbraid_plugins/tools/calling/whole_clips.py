"""Whole clips of a source: the rows of their frames, in order."""

from __future__ import annotations

import numpy as np

from unbraid.data import Images


def clip_rows(images: Images, rows: np.ndarray, frames: int | None = None) -> np.ndarray:
    """Return the rows of the first frames of clips, (K, T), in the order of the clips; (0, 0) without clips.

    rows: the rows to choose from; a clip counts if its frames 0 ... T - 1 are all among them.
    frames: T; by default the most frequent length of a clip.
    """
    if not images.has_clips or not len(rows):
        return np.empty((0, 0), np.int64)
    clip, frame = (images.fields[name].values[rows].astype(np.int64) for name in ("clip", "frame"))
    order = np.lexsort((frame, clip))
    order = order[(clip[order] >= 0) & (frame[order] >= 0)]
    cuts = np.flatnonzero(np.diff(clip[order])) + 1
    whole = [own for own in np.split(order, cuts) if len(own) and np.array_equal(frame[own], np.arange(len(own)))]
    if not whole:
        return np.empty((0, 0), np.int64)
    if frames is None:
        lengths, counts = np.unique([len(own) for own in whole], return_counts=True)
        frames = int(lengths[counts.argmax()])
    return np.stack([rows[own[:frames]] for own in whole if len(own) >= frames] or [np.empty(0, np.int64)])
