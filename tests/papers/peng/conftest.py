"""Images of persons whose pose and landmarks are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def posed(tmp_path: Path) -> dict[str, Any]:
    """Noisy images of four persons from three sides, some landmarks of which are hidden, some unknown."""
    dice = np.random.default_rng(0)
    points = dice.random((24, 5, 2)).astype(np.float32)
    points[::5, 2] = np.nan
    visible = dice.integers(0, 2, (24, 5)).astype(np.float32)
    visible[::7, 1] = np.nan
    np.savez(tmp_path / "posed.npz", images=dice.integers(0, 255, (24, 16, 16, 3), dtype=np.uint8),
             identity=np.arange(24) % 4, yaw=np.arange(24) // 4 % 3, view=dice.normal(size=(24, 2)).astype(np.float32),
             landmarks=points, visible=visible)
    return {"type": "npz", "path": str(tmp_path / "posed.npz")}
