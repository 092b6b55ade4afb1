"""Our images and those of an independent renderer; in full: tests/benchmarks/renderer_agreement.py."""

from __future__ import annotations

import pytest
from agreement import Theirs, compared, drawn


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["spot.obj", "q_basiccar.ply", "k_car_taxi.obj"])
def test_we_see_what_they_see(shared, backend, name):
    """A textured animal, a car whose faces are inside out, a car with a palette for a texture; 12 views."""
    theirs = Theirs.of(shared)
    images = theirs.numbers(theirs.names.index(name))[::6]
    expected = theirs.views(images)
    found = compared(drawn(theirs, images, backend=backend), expected)
    assert found["iou"] >= 0.99
    assert found["colour"] <= 0.02
    assert found["depth"] <= 0.01
    sampled = compared(drawn(theirs, images, samples=3, backend=backend), expected)
    assert sampled["iou"] >= 0.999
    assert sampled["colour"] <= 0.003
    assert sampled["depth"] <= 0.0003
