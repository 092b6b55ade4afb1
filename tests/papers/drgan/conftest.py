"""Faces that are no faces: a colour for each person, a bright column for each yaw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

PEOPLE, YAWS, SIZE = 4, 3, 16


def drawn(copies: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images (N, SIZE, SIZE, 3), uint8, with their people and yaws: every combination this many times, with noise."""
    who, yaw, _ = (v.ravel() for v in np.meshgrid(range(PEOPLE), range(YAWS), range(copies), indexing="ij"))
    random = np.random.default_rng(0)
    colours = random.integers(60, 255, (PEOPLE, 3))
    images = random.integers(0, 40, (len(who), SIZE, SIZE, 3))
    column = np.arange(SIZE) // 6 == yaw[:, None]
    images = np.where(column[:, None, :, None], colours[who][:, None, None], images)
    return images.astype(np.uint8), who, yaw


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A source of them."""
    path = tmp_path_factory.mktemp("people") / "people.npz"
    images, who, yaw = drawn(copies=20)
    np.savez(path, images=images, identity=who, yaw=yaw)
    return {"type": "npz", "path": str(path), "size": SIZE}
