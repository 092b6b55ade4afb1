"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is kept between processes stays out of the user's home."""
    os.environ["UNBRAID_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with shared data; the test skips where it is absent."""
    folder = Path(os.environ.get("UNBRAID_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("no shared data (set UNBRAID_SHARED)")
    return folder
