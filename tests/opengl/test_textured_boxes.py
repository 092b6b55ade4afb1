import math

import numpy as np
import pytest
import torch

from unbraid.testing import SourceSuite
from unbraid_plugins.opengl.boxes import TILE, TexturedBoxes


class TestTexturedBoxes(SourceSuite):
    component = TexturedBoxes
    options = {"count": 7, "size": 16}  # noqa: RUF012


@pytest.mark.parametrize(("degrees", "face"), [(0, 0), (90, 1), (180, 2), (-90, 3)])
def test_a_face_is_seen_from_its_side(degrees, face):
    """Front, right, back and left, when the camera stands at z, x, -z and -x."""
    texture = torch.zeros(1, 3, 2 * TILE, 3 * TILE)
    row, column = 1 - face // 3, face % 3
    texture[0, 0, row * TILE:(row + 1) * TILE, column * TILE:(column + 1) * TILE] = 1
    boxes = TexturedBoxes(size=24, elevation=5.0)
    seen = boxes._drawn(torch.tensor([math.radians(degrees)]), torch.full((1, 3), 0.6), texture).float() / 255
    middle = seen[0, :, 8:16, 8:16].mean((1, 2))
    assert middle[0] > 0.95
    assert middle[1:].max() < 0.05


def test_azimuths_are_radians_all_around_and_seeds_differ():
    images = TexturedBoxes(count=60, size=8).open()
    azimuth = images.fields["azimuth"].values
    assert images.fields["azimuth"].classes is None
    assert np.histogram(azimuth, 6, (-np.pi, np.pi))[0].min() > 2
    other = TexturedBoxes(count=60, size=8, seed=1).open()
    assert not np.allclose(other.fields["azimuth"].values, azimuth)
