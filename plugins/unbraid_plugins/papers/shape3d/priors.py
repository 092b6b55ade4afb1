"""Priors on surfaces and views. Without them, other scenes explain the same images.

One more prior is the background that moves with the camera: objects painted on it do not stay in the middle.
"""

from __future__ import annotations

import math

from torch import Tensor

from unbraid import loss
from unbraid_plugins.papers.shape3d.grid import padded
from unbraid_plugins.papers.shape3d.scene import Surface


@loss
def roughness(surface: Surface) -> Tensor:
    """Distance of vertices from the middle of their neighbours:  mean |s - (above + below + left + right) / 4|^2.

    surface: points (B, 3, N, N); on a sheet, only vertices inside the border count.  Returns a scalar, in squared units
    of the world.
    """
    s = surface.points if surface.form == "sheet" else padded(surface.points, "ball", 1)
    near = s[..., :-2, 1:-1] + s[..., 2:, 1:-1] + s[..., 1:-1, :-2] + s[..., 1:-1, 2:]
    return (s[..., 1:-1, 1:-1] - 0.25 * near).square().sum(1).mean()


@loss
def oversize(surface: Surface, *, radius: float = 1.0) -> Tensor:
    """Distance of vertices outside of a ball around the origin:  mean max(0, |s_ij| - radius)^2.

    Without a limit, a large surface carries the background in its texture.

    surface: points (B, 3, N, N).
    radius: in units of the world, > 0.

    Returns a scalar.  Raises ValueError for another radius.
    """
    if radius <= 0:
        raise ValueError(f"oversize needs a positive radius; it is {radius}")
    length = (surface.points.square().sum(1) + 1e-12).sqrt()
    return (length - radius).clamp_min(0).square().mean()


@loss
def beyond(view: Tensor, *, azimuth: float = 45.0, elevation: float = 15.0, middle: float = 0.0) -> Tensor:
    """Distance of views outside of p_v:  mean max(0, |a| - azimuth)^2 + max(0, |e - middle| - elevation)^2.

    Scenes are not trained from views that are never drawn. Seen from there, they could look like any image to rebuild.

    view: (B, 2), azimuth a and elevation e in radians.
    azimuth, elevation, middle: in degrees, as those of `viewpoints`.

    Returns a scalar, in squared radians.
    """
    a, e = view.unbind(1)
    across, up = (a.abs() - math.radians(azimuth), (e - math.radians(middle)).abs() - math.radians(elevation))
    return (across.clamp_min(0).square() + up.clamp_min(0).square()).mean()
