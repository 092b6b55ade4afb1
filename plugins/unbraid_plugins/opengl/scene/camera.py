"""Cameras: y is up, they look along -z, and row 0 of the image is its top."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from unbraid import UnbraidError, value
from unbraid_plugins.opengl.numerics.precision import precise
from unbraid_plugins.opengl.numerics.ranges import expect_floats, expect_within

ENDLESS = 1e-6                                     # of the depths, so that what is at infinity is drawn


@value
class Camera:
    """A camera: the map from the world to the image.

    view: (B or 1, 4, 4), from the world to the camera's own coordinates.
    projection: (B or 1, 4, 4), from there to clip coordinates as OpenGL has them, x, y and z within [-w, w], y up.

    Raises UnbraidError for other shapes and for whole numbers.
    """

    view: Tensor
    projection: Tensor

    def __attrs_post_init__(self) -> None:
        for name, matrix in (("view", self.view), ("projection", self.projection)):
            if isinstance(matrix, np.ndarray):
                expect_floats(f"the camera's {name}", matrix)
            if isinstance(matrix, Tensor) and (matrix.ndim != 3 or matrix.shape[1:] != (4, 4)):
                raise UnbraidError(f"the camera's {name} has the shape {tuple(matrix.shape)}",
                                   hint="expected (B, 4, 4)")
            expect_floats(f"the camera's {name}", matrix)

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
        return _moved(self.projection.to(self.view) @ self.view, points)


def perspective(field_of_view: float | Tensor, *, aspect: float = 1.0, near: float = 0.1, far: float = 100.0) -> Tensor:
    """Return a perspective projection, (B or 1, 4, 4).

    field_of_view: the angle from the bottom to the top, in radians, a number or (B,).
    aspect: width / height.
    near, far: the distances between which the camera sees, 0 < near < far; far may be infinite.

    Raises UnbraidError for an angle outside of (0, pi), as one in degrees is, and for other distances.
    """
    angle = _vector(field_of_view)
    expect_within("the field of view", angle, 0, math.pi, hint="radians between 0 and pi: math.radians(60)")
    expect_within("the aspect", aspect, 0, math.inf, hint="width / height")
    cotangent = 1 / (angle / 2).tan()
    return _projection(cotangent / aspect, cotangent, *depth_row(near, far), -1)


def depth_row(near: float, far: float) -> tuple[float, float]:
    """Return the numbers of a perspective projection that make z: its factor and its offset.

    far may be infinite.  Raises UnbraidError unless 0 < near < far.
    """
    if not 0 < near < far:
        raise UnbraidError(f"a camera that sees from near={near:g} to far={far:g}", hint="expected 0 < near < far")
    if far == math.inf:
        return ENDLESS - 1, (ENDLESS - 2) * near
    return (far + near) / (near - far), 2 * far * near / (near - far)


def orthographic(height: float | Tensor = 2.0, *, aspect: float = 1.0, near: float = 0.1, far: float = 100.0) -> Tensor:
    """Return a parallel projection, (B or 1, 4, 4).

    height: of the image, in the world's units, a number or (B,), above 0.
    aspect: width / height.
    near, far: the distances between which the camera sees, near < far, both finite.

    Raises UnbraidError for other numbers.
    """
    height = _vector(height)
    expect_within("the height of the image", height, 0, math.inf, hint="the world's units")
    return _parallel(2 / height, aspect, near, far)


def weak_perspective(scale: float | Tensor, shift: Tensor | None = None, *, aspect: float = 1.0, near: float = 0.1,
                     far: float = 100.0) -> Tensor:
    """Return a parallel projection, scaled and shifted, (B or 1, 4, 4).

    scale: half image heights per unit of the world, a number or (B,).
    shift: (B or 1, 2), to the right and up, in half images.

    Raises UnbraidError for numbers that `orthographic` refuses, and where the scale is 0.
    """
    scale = _vector(scale)
    expect_within("the size of the scale", scale.abs(), 0, math.inf, hint="half image heights per unit of the world")
    p = _parallel(scale, aspect, near, far)
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

    `up` may have any length. Looking along it leaves the roll undecided; then the view is a rotation with x, or else z,
    to the right.  Raises UnbraidError where the eye is at the point, and where `up` is 0.
    """
    for name, t in (("eye", eye), ("at", at), ("up", up)):
        if t is not None and (t.ndim != 2 or t.shape[1] != 3 or len(t) not in (1, len(eye))):
            raise UnbraidError(f"a camera looks with {name} of shape {tuple(t.shape)}",
                               hint="expected (B, 3), or (1, 3)")
        expect_floats(f"{name} of a camera", t)
    at = torch.zeros_like(eye) if at is None else at.to(eye).expand_as(eye)
    up = eye.new_tensor([[0.0, 1.0, 0.0]]).expand_as(eye) if up is None else up.to(eye).expand_as(eye)
    for vector, wrong in ((eye - at, "is at the point that it looks at"), (up, "has 0 as its direction upwards")):
        if not vector.is_meta and not bool((vector.detach() != 0).any(1).all()):
            raise UnbraidError(f"a camera {wrong}", hint="move its eye, or turn its direction")
    back = _unit(eye - at)
    right = _unit(up).cross(back, dim=-1)
    for axis in ([1.0, 0.0, 0.0], [0.0, 0.0, 1.0]):        # one of the two is not along the view
        other = eye.new_tensor([axis]).expand_as(eye)
        other = other - (other * back).sum(-1, keepdim=True) * back
        least = 1e-6 if right.dtype == torch.float32 else 1e-12
        right = torch.where(right.norm(dim=-1, keepdim=True) > least, right, other)
    right = _unit(right)
    return _rigid(torch.stack([right, back.cross(right, dim=-1), back], 1), eye)


def orbiting(azimuth: float | Tensor, elevation: float | Tensor, distance: float | Tensor = 4.0,
             roll: Tensor | None = None) -> Tensor:
    """Return the view (B, 4, 4) of a camera that circles the origin and looks at it.

    azimuth: a number or (B,), radians, 0 on +z, growing to +x.
    elevation: a number or (B,), radians, growing upwards.
    distance: a number or (B,), above 0.
    roll: (B,) radians, turns the camera counter-clockwise.

    Raises UnbraidError for other distances, and for whole numbers as angles.
    """
    for name, t in (("azimuth", azimuth), ("elevation", elevation), ("roll", roll)):
        if isinstance(t, Tensor):
            expect_floats(f"the camera's {name}", t)
    expect_within("the camera's distance", distance, 0, math.inf, hint="the world's units")
    a, e = torch.broadcast_tensors(_vector(azimuth), _vector(elevation))
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
    dtype = torch.promote_types(matrix.dtype, points.dtype)
    matrix, points = matrix.to(dtype), points.to(dtype)
    matrix, points = matrix.expand(batch, -1, -1), points.expand(batch, -1, -1)
    return torch.baddbmm(matrix[:, :, 3:], matrix[:, :, :3], points.mT).mT.contiguous()


def _vector(number: float | Tensor) -> Tensor:
    """Return a number as a vector, in float32 whatever torch's default."""
    if isinstance(number, Tensor):
        return number.reshape(-1)
    try:
        return torch.tensor([float(number)], dtype=torch.float32)
    except (TypeError, ValueError):
        raise UnbraidError(f"a camera with {number!r:.40}", hint="expected a number, or a tensor (B,)") from None


def _unit(v: Tensor) -> Tensor:
    v = v / v.detach().abs().amax(-1, keepdim=True).clamp_min(1e-30)      # squares of small numbers vanish
    return v / v.norm(dim=-1, keepdim=True).clamp_min(1e-12)


@precise
def _rigid(rotation: Tensor, eye: Tensor) -> Tensor:
    top = torch.cat([rotation, -rotation @ eye[:, :, None]], 2)
    last = eye.new_tensor([[[0.0, 0.0, 0.0, 1.0]]]).expand(len(eye), 1, 4)
    return torch.cat([top, last], 1)


def _parallel(scale: Tensor, aspect: float, near: float, far: float) -> Tensor:
    """Return a parallel projection.  scale: half image heights per unit, (B,).  Raises UnbraidError."""
    expect_within("the aspect", aspect, 0, math.inf, hint="width / height")
    if not -math.inf < near < far < math.inf:
        raise UnbraidError(f"a parallel camera that sees from near={near:g} to far={far:g}",
                           hint="expected near < far, both finite")
    return _projection(scale / aspect, scale, 2 / (near - far), (far + near) / (near - far), 0)


def _projection(x: Tensor, y: Tensor, z: float, shift: float, w: float) -> Tensor:
    zero = torch.zeros_like(x)
    numbers = [x, zero, zero, zero, zero, y, zero, zero, zero, zero, zero + z, zero + shift,
               zero, zero, zero + w, zero + (1 + w)]
    return torch.stack(numbers, -1).reshape(-1, 4, 4)
