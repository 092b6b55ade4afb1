"""Persons of a few capsules with joints that are known: a source without any file of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

NAMES = ("Head", "Neck", "RightArm", "RightForeArm", "RightHand", "LeftArm", "LeftForeArm", "LeftHand", "RightUpLeg",
         "RightLeg", "RightFoot", "LeftUpLeg", "LeftLeg", "LeftFoot", "Hips")
STANDING = np.asarray([(16, 8), (16, 12), (12, 14), (9, 22), (8, 30), (20, 14), (23, 22), (24, 30), (13, 32), (12, 44),
                       (12, 58), (19, 32), (20, 44), (20, 58), (16, 31)], np.float32)       # x, y in 32 x 64


def people(folder: Path, count: int = 24, **arrays: Any) -> Path:
    """Write a file of persons, 64 x 32, as a source of persons reads it; arrays replace or add to its own."""
    random = np.random.default_rng(0)
    points = STANDING + random.normal(0, 1.0, (count, 15, 2)).astype(np.float32)
    points[0, 4] = (-3, 30)                        # a hand that lies outside the image
    outfit = random.integers(0, 255, (4, 15, 3))
    identity = np.arange(count) % 4
    down, across = np.mgrid[:64, :32] + 0.5
    images = np.full((count, 64, 32, 3), 140, np.uint8)
    masks = np.zeros((count, 64, 32), np.uint8)
    for image, mask, joints, colours in zip(images, masks, points, outfit[identity], strict=True):
        for (x, y), colour in zip(joints, colours, strict=True):
            inside = (across - x) ** 2 + (down - y) ** 2 < 16
            image[inside], mask[inside] = colour, 255
    file = folder / "persons.npz"
    written = {"images": images, "masks": masks, "keypoints_xy": points, "keypoint_names": np.array(NAMES),
               "factors": np.stack([identity, identity % 2], 1), "factor_names": np.array(["identity", "gender"]),
               **arrays}
    np.savez(file, **{name: a for name, a in written.items() if a is not None})
    return file
