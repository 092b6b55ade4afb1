"""Viewpoints of cameras: their distribution p_v, and viewpoints as directions."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid import Random, operation


@operation
def viewpoints(*, azimuth: float = 45.0, elevation: float = 15.0, middle: float = 0.0, random: Random) -> Tensor:
    """Views from p_v, uniform in both angles:  azimuth within +-azimuth, elevation within middle +- elevation.

    azimuth, elevation, middle: in degrees; 180 is the whole circle.  Returns (B, 2): azimuth and elevation in radians.
    """
    reach = torch.tensor([azimuth, elevation], device=random.device).deg2rad()
    at = torch.tensor([0.0, middle], device=random.device).deg2rad()
    drawn = random.uniform(random.batch, 2)
    return (2 * drawn - 1) * reach.to(drawn) + at.to(drawn)


@operation
def towards(view: Tensor) -> Tensor:
    """Direction from the origin to the camera; it has no jump where the azimuth starts again.

    view: (B, 2), azimuth and elevation in radians.  Returns unit vectors (B, 3).
    """
    azimuth, elevation = view.unbind(1)
    flat = elevation.cos()
    return torch.stack([azimuth.sin() * flat, elevation.sin(), azimuth.cos() * flat], 1)


@operation
def angles(direction: Tensor) -> Tensor:
    """View of a camera in a direction, of any length:  azimuth atan2(x, z), elevation atan2(y, |x, z|).

    direction: (B, 3).  Returns (B, 2), radians: azimuth in [-pi, pi], elevation in [-pi / 2, pi / 2]. Values and
    gradients are finite on the vertical too, where there is no azimuth.
    """
    x, y, z = direction.unbind(1)
    flat = (x.square() + z.square() + 1e-12).sqrt()
    away = torch.where((x.abs() + z.abs()) > 1e-6, z, z + 1e-6)
    return torch.stack([torch.atan2(x, away), torch.atan2(y, flat)], 1)
