"""Images on which methods are tried."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dice import _seeded, context, dice, layout  # noqa: F401


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A source of 24 noisy images of four kinds, 3 x 16 x 16."""
    path = tmp_path_factory.mktemp("source") / "images.npz"
    images = np.random.default_rng(0).integers(0, 255, (24, 16, 16, 3), dtype=np.uint8)
    np.savez(path, images=images, kind=np.arange(24) % 4)
    return {"type": "npz", "path": str(path)}
