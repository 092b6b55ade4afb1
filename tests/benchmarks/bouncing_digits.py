"""A file of clips that the project has never seen: two digits that bounce, in the manner of Moving MNIST.

    python tests/benchmarks/bouncing_digits.py mnist_t10k_first8000.npz digits.npz

Writes `video` (N, T, 64, 64) uint8, `positions_xy` (N, T, 2, 2), the upper left corners of both digits in pixels, and
`labels` (N, 2). Digits bounce off the edges, and the brighter pixel is in front (Srivastava et al. 2015).
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np

from unbraid import write_whole

SIZE, DIGIT = 64, 28


def bounced(free: np.random.Generator, frames: int) -> np.ndarray:
    """Corners (frames, 2) of a digit that flies straight on and bounces off the edges."""
    room, angle = SIZE - DIGIT, free.uniform(0, 2 * np.pi)
    speed = free.uniform(2, 4) * np.array([np.cos(angle), np.sin(angle)])
    along = free.uniform(0, room, 2) + np.arange(frames)[:, None] * speed
    return room - np.abs(along % (2 * room) - room)


def clips(images: np.ndarray, labels: np.ndarray, count: int, frames: int, seed: int) -> dict[str, np.ndarray]:
    """The arrays of the file, from digits (n, 28, 28) uint8 and their classes."""
    free = np.random.default_rng(seed)
    video = np.zeros((count, frames, SIZE, SIZE), np.uint8)
    chosen = free.integers(len(images), size=(count, 2))
    places = np.stack([np.stack([bounced(free, frames) for _ in range(2)], 1) for _ in range(count)])
    for clip, frame, digit in np.ndindex(count, frames, 2):
        x, y = places[clip, frame, digit].round().astype(int)
        window = video[clip, frame, y:y + DIGIT, x:x + DIGIT]
        np.maximum(window, images[chosen[clip, digit]], out=window)
    return {"video": video, "positions_xy": places.astype(np.float32), "labels": labels[chosen].astype(np.int64)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("digits", type=Path, help="an .npz file with images (n, 28, 28) and labels (n,)")
    parser.add_argument("to", type=Path)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    file, packed = np.load(asked.digits, allow_pickle=False), io.BytesIO()
    np.savez_compressed(packed, **clips(file["images"], file["labels"], asked.clips, asked.frames, asked.seed))
    write_whole(asked.to, packed.getvalue())


if __name__ == "__main__":
    main()
