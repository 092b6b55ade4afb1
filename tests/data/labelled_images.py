"""Small sources whose pixels tell their row."""

from __future__ import annotations

from typing import Any

import numpy as np

from unbraid.data import Field, Images


class Lazy:
    """Images that are made when they are asked for: pixel 0 and 1 are the row number's bytes."""

    def __init__(self, n: int) -> None:
        self.shape, self.asked = (n, 1, 4, 4), 0

    def read(self, rows: np.ndarray) -> np.ndarray:
        self.asked += len(rows)
        images = np.zeros((len(rows), 1, 4, 4), np.uint8)
        images[:, 0, 0, 0], images[:, 0, 0, 1] = rows % 256, rows // 256
        return images


def make_images(n: int = 600, *, seed: int = 0, lazy: bool = False, **options: Any) -> Images:
    rng = np.random.default_rng(seed)
    fields = {
        "identity": Field(rng.integers(0, 20, n), 20),
        "pose": Field(rng.integers(0, 5, n), 5, ("front", "left", "right", "up", "down")),
        "light": Field(rng.integers(0, 3, n), 3),
        "angle": Field(rng.random(n) * 360),
    }
    source = Lazy(n)
    return Images(source if lazy else source.read(np.arange(n)), fields, **options)


def make_clips(clips: int = 30, frames: int = 8) -> Images:
    n = clips * frames
    fields = {"clip": Field(np.repeat(np.arange(clips), frames), clips),
              "frame": Field(np.tile(np.arange(frames), clips), frames)}
    order = np.random.default_rng(3).permutation(n)                  # frames lie anywhere in the source
    return Images(Lazy(n).read(np.arange(n)), {k: f.take(order) for k, f in fields.items()})
