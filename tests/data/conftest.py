"""Data of small sources with any draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from labelled_images import make_images

from unbraid.data import Data, Images
from unbraid_configs import Data as DataRecipe, Draw


@pytest.fixture
def open_draws() -> Callable[..., Data]:
    """Data of some images with these draws."""

    def open_draws(draws: dict[str, Draw], images: Images | dict[str, Images] | None = None, *, batch: int = 16,
                   workers: int = 0, splits: dict[str, float] | None = None, split_by: str | None = None,
                   **options: Any) -> Data:
        sources = images if isinstance(images, dict) else {"source": images or make_images()}
        recipe = DataRecipe(sources={}, draw=draws, batch=batch, workers=workers, split_by=split_by,
                            splits=splits or {"train": 0.9, "test": 0.1})
        return Data(recipe, sources, **options)

    return open_draws
