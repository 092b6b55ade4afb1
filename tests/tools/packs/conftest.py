"""A tiny run with a critic, an evaluation and a data file, to be packed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from packed_recipe import packed_recipe

from unbraid import make_recipe, train


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's folder; its data lies in a folder of a name that must not be told."""
    data = tmp_path_factory.mktemp("secret-place") / "faces.npz"
    np.savez(data, images=np.random.default_rng(0).integers(0, 255, (40, 16, 16, 3), dtype=np.uint8),
             labels=np.arange(40) % 2)
    folder = train(make_recipe(packed_recipe(data)), tmp_path_factory.mktemp("packs") / "first").folder
    (folder / "evaluation.json").write_text(
        '{"arms": {"model": {"mig": {"score": 0.3}}, "pixels": {"mig": {"score": 0.1}}},'
        ' "intervals": {"model": {"mig": [0.25, 0.35]}}, "metrics": {"mig": {"better": "higher"}}}')
    return folder
