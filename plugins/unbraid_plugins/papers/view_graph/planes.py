"""Plane hypotheses, and small rotations of a plane as homographies of its image.

x points right, y up, and z to the camera, whose image has x and y within [-1, 1]. The object turns around the origin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import grid_sample


def hypotheses(tilts: Sequence[float], directions: int) -> Tensor:
    """Return unit normals of planes that face the camera, (H, 3): the fronto-parallel plane, then circles around it.

    tilts: the angles between a circle's normals and z, in degrees within (0, 90).
    directions: the number of normals of a circle.
    """
    tilt = torch.tensor(tilts, dtype=torch.float64).deg2rad().repeat_interleave(directions)
    towards = torch.arange(directions, dtype=torch.float64).repeat(len(tilts)) * (2 * math.pi / directions)
    tilted = torch.stack([tilt.sin() * towards.cos(), tilt.sin() * towards.sin(), tilt.cos()], 1)
    return torch.cat([tilted.new_tensor([[0.0, 0.0, 1.0]]), tilted])


def rotation(azimuth: float, elevation: float = 0.0) -> Tensor:
    """Return R (3, 3): how an object seems to turn when the camera goes round it by an azimuth, to its right.

    azimuth: radians around the upright axis; the object turns by its negative.
    elevation: radians by which the camera looks down, so that the axis leans towards it.
    """
    a, e = torch.tensor(azimuth, dtype=torch.float64), torch.tensor(elevation, dtype=torch.float64)
    lean = _about(0, e)
    return lean @ _about(1, -a) @ lean.T


def homography(turned: Tensor, normal: Tensor, field_of_view: float, offset: float = 0.0) -> Tensor:
    """Return H = K [R + (I - R) e_z n^T / (n_z - delta / D)] K^-1, the map of the image when its plane turns.

    The plane n^T X = delta turns with the object, at whose centre the camera looks from the distance D. In units of
    half the image's height at the centre, delta / D is offset tan(field_of_view / 2), so that D drops out. With the
    field of view, H tends to its affine limit  x' = R_xy x + R_xz (offset - n_x x - n_y y) / n_z.

    turned: R (3, 3).
    normal: n (3,), n_z > 0.
    field_of_view: the camera's angle from the bottom to the top of the image, in radians, above 0.
    offset: how far the plane lies before the centre, in half heights of the image; 0 is through the centre.

    Returns (3, 3), for homogeneous points (x, y, 1).
    """
    f = 1 / math.tan(field_of_view / 2)
    k = torch.diag(normal.new_tensor([f, f, -1.0]))
    depth = normal.new_tensor([0.0, 0.0, 1.0])
    eye = torch.eye(3, dtype=normal.dtype)
    away = normal[2] - offset * math.tan(field_of_view / 2)
    return k @ (turned + torch.outer((eye - turned) @ depth, normal) / away) @ torch.linalg.inv(k)


def warping(h: Tensor, height: int, width: int) -> Tensor:
    """Return for every pixel of the warped image its place in the image, (height, width, 2), as `grid_sample` has it.

    The place is that of the inverse map H^-1.
    """
    y = torch.linspace(1 - 1 / height, 1 / height - 1, height, dtype=h.dtype)
    x = torch.linspace(1 / width - 1, 1 - 1 / width, width, dtype=h.dtype) * (width / height)
    across, up = x.expand(height, width), y[:, None].expand(height, width)
    points = torch.stack([across, up, torch.ones_like(across)], 2)
    back = points @ torch.linalg.inv(h).T
    places = back[..., :2] / back[..., 2:].clamp_min(1e-6)             # behind the camera: far outside
    return (places * places.new_tensor([height / width, -1.0])).float()


def in_sight(places: Tensor) -> Tensor:
    """Return the mask of pixels whose place lies inside the image, (..., height, width)."""
    return (places.abs() <= 1).all(-1)


def warped(images: Tensor, places: Tensor) -> Tensor:
    """Return W x: images (B, C, H, W) looked up at places (H, W, 2) or (B, H, W, 2), with border padding."""
    places = places if places.ndim == 4 else places.expand(len(images), -1, -1, -1)
    return grid_sample(images, places.to(images), padding_mode="border", align_corners=False)


def _about(axis: int, angle: Tensor) -> Tensor:
    """Return the rotation around x (0) or y (1)."""
    c, s, r = angle.cos(), angle.sin(), torch.eye(3, dtype=angle.dtype)
    i, j = ((1, 2), (2, 0))[axis]
    r[i, i], r[i, j], r[j, i], r[j, j] = c, -s, s, c
    return r
