"""Cameras: y is up, they look along -z, and row 0 of the image is its top."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid import UnbraidError, value
from unbraid_plugins.opengl.numerics.precision import precise


@value
class Camera:
    """A camera: the map from the world to the image.

    view: (B or 1, 4, 4), from the world to the camera's own coordinates.
    projection: (B or 1, 4, 4), from there to clip coordinates as OpenGL has them, x, y and z within [-w, w], y up.
    """

    view: Tensor
    projection: Tensor

    def __attrs_post_init__(self) -> None:
        for name, matrix in (("view", self.view), ("projection", self.projection)):
            if isinstance(matrix, Tensor) and (matrix.ndim != 3 or matrix.shape[1:] != (4, 4)):
                raise UnbraidError(f"the camera's {name} has the shape {tuple(matrix.shape)}",
                                   hint="expected (B, 4, 4)")

    @precise
    def seen(self, points: Tensor) -> Tensor:
        """Map world points (B, V, 3) to the camera's coordinates (B, V, 3)."""
        return _moved(self.view[:, :3], points)

    @precise
    def clip(self, seen: Tensor) -> Tensor:
        """Map the camera's coordinates (B, V, 3) to clip coordinates (B, V, 4)."""
        return _moved(self.projection, seen)

    @precise
    def projected(self, points: Tensor) -> Tensor:
        """Map world points (B, V, 3) to clip coordinates (B, V, 4), at once."""
        return _moved(self.projection @ self.view, points)


def perspective(field_of_view: float | Tensor, *, aspect: float = 1.0, near: float = 0.1, far: float = 100.0) -> Tensor:
    """Return a perspective projection, (B or 1, 4, 4).

    field_of_view: the angle from the bottom to the top, in radians, a number or (B,); aspect: width / height.
    """
    cotangent = 1 / (_vector(field_of_view) / 2).tan()
    return _projection(cotangent / aspect, cotangent, (far + near) / (near - far), 2 * far * near / (near - far), -1)


def orthographic(height: float | Tensor = 2.0, *, aspect: float = 1.0, near: float = 0.1, far: float = 100.0) -> Tensor:
    """Return a parallel projection, (B or 1, 4, 4).  height: of the image, in the world's units, a number or (B,)."""
    scale = 2 / _vector(height)
    return _projection(scale / aspect, scale, 2 / (near - far), (far + near) / (near - far), 0)


def weak_perspective(scale: float | Tensor, shift: Tensor | None = None, *, aspect: float = 1.0, near: float = 0.1,
                     far: float = 100.0) -> Tensor:
    """Return a parallel projection, scaled and shifted, (B or 1, 4, 4).

    scale: half image heights per unit of the world, a number or (B,).
    shift: (B or 1, 2), to the right and up, in half images.
    """
    scale = _vector(scale)
    p = orthographic(2 / scale, aspect=aspect, near=near, far=far)
    if shift is None:
        return p
    moved = torch.zeros_like(p[:1]).repeat(max(len(p), len(shift)), 1, 1).to(shift)
    moved[:, :2, 3] = shift
    return p + moved


def looking(eye: Tensor, at: Tensor | None = None, up: Tensor | None = None) -> Tensor:
    """Return the view (B, 4, 4) of a camera at `eye` that looks at a point, with a direction upwards.

    eye: (B, 3).
    at: (B or 1, 3), by default the origin.
    up: (B or 1, 3), by default y.

    Looking along `up` itself leaves the roll undecided; the view is finite then, too.
    """
    at = torch.zeros_like(eye) if at is None else at.expand_as(eye)
    up = eye.new_tensor([[0.0, 1.0, 0.0]]).expand_as(eye) if up is None else up.expand_as(eye)
    back = _unit(eye - at)
    right = up.cross(back, dim=-1)
    other = eye.new_tensor([[1.0, 0.0, 0.0]]).expand_as(eye)
    right = _unit(torch.where(right.norm(dim=-1, keepdim=True) > 1e-6, right, other))
    return _rigid(torch.stack([right, back.cross(right, dim=-1), back], 1), eye)


def orbiting(azimuth: Tensor, elevation: Tensor, distance: float | Tensor = 4.0, roll: Tensor | None = None) -> Tensor:
    """Return the view (B, 4, 4) of a camera that circles the origin and looks at it.

    azimuth: (B,) radians, 0 on +z, growing to +x.
    elevation: (B,) radians, growing upwards.
    distance: a number or (B,).
    roll: (B,) radians, turns the camera counter-clockwise.
    """
    a, e = azimuth, elevation
    zero = torch.zeros_like(a)
    back = torch.stack([a.sin() * e.cos(), e.sin(), a.cos() * e.cos()], -1)
    right = torch.stack([a.cos(), zero, -a.sin()], -1)
    top = back.cross(right, dim=-1)
    if roll is not None:
        c, s = roll.cos()[:, None], roll.sin()[:, None]
        right, top = c * right + s * top, c * top - s * right
    distance = distance[:, None] if isinstance(distance, Tensor) else distance
    return _rigid(torch.stack([right, top, back], 1), back * distance)


def _moved(matrix: Tensor, points: Tensor) -> Tensor:
    """Multiply points (B or 1, V, 3) by matrices (B or 1, k, 4): (B, V, k).

    A short product of long rows is the fast one.
    """
    batch = len(points) if len(matrix) == 1 else len(matrix)
    matrix, points = matrix.expand(batch, -1, -1), points.expand(batch, -1, -1)
    return torch.baddbmm(matrix[:, :, 3:], matrix[:, :, :3], points.mT).mT.contiguous()


def _vector(number: float | Tensor) -> Tensor:
    return number.reshape(-1) if isinstance(number, Tensor) else torch.tensor([float(number)])


def _unit(v: Tensor) -> Tensor:
    return v / v.norm(dim=-1, keepdim=True).clamp_min(1e-12)


@precise
def _rigid(rotation: Tensor, eye: Tensor) -> Tensor:
    top = torch.cat([rotation, -rotation @ eye[:, :, None]], 2)
    last = eye.new_tensor([[[0.0, 0.0, 0.0, 1.0]]]).expand(len(eye), 1, 4)
    return torch.cat([top, last], 1)


def _projection(x: Tensor, y: Tensor, z: float, shift: float, w: float) -> Tensor:
    zero = torch.zeros_like(x)
    numbers = [x, zero, zero, zero, zero, y, zero, zero, zero, zero, zero + z, zero + shift,
               zero, zero, zero + w, zero + (1 + w)]
    return torch.stack(numbers, -1).reshape(-1, 4, 4)
