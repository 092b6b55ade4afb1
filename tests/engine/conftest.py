"""Two ranks that tests give work to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_ranks import Pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two processes, to which work is given one after the other."""
    pair = Pair.start(tmp_path_factory.mktemp("pair"))
    yield pair
    pair.end()
