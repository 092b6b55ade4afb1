"""Key points of persons: joints in a known order, maps and masks drawn from them, and a source of persons.

Joints are (B, n, 3): row and column in [-1, 1] from the top left to the bottom right edge of the image, and 1 where the
joint is visible, else 0. Those that are not visible lie at 0, 0.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.shared.keypoints.keypoint_maps import KeypointMaps
from unbraid_plugins.shared.keypoints.losses import joint_mse
from unbraid_plugins.shared.keypoints.persons import Persons


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the renderer, the loss and the source."""
    return [KeypointMaps, joint_mse, Persons]
