"""Cameras by the numbers of OpenCV: intrinsics K, rotation R and translation t."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid import UnbraidError
from unbraid_plugins.opengl.numerics.precision import precise
from unbraid_plugins.opengl.numerics.ranges import expect_floats
from unbraid_plugins.opengl.scene.camera import Camera, depth_row

STRAIGHT = 1e-2                                    # how far from a rotation a matrix with rounded numbers may be


@precise
def opencv_camera(k: Tensor, r: Tensor, t: Tensor, size: tuple[int, int], *, near: float = 0.1, far: float = 100.0,
                  first: float = 0.0) -> Camera:
    """Return the camera that OpenCV describes by  s (u, v, 1) = K (R X + t), with gradients to all three.

    k: (B or 1, 3, 3), the intrinsic matrix in pixels; the principal point may lie anywhere.
    r: (B or 1, 3, 3), from the world to the camera, or Rodrigues vectors (B or 1, 3).
    t: (B or 1, 3), in the world's units.
    size: (H, W) of the images that k is for; pictures of another size show the same.
    near, far: the distances between which the camera sees, 0 < near < far; far may be infinite.
    first: the coordinate of the middle of the first pixel, 0 in OpenCV, 0.5 where k counts from the image's corner.

    OpenCV's x is to the right, y down and z forwards. Lenses are straight: undistort the images first.  Raises
    UnbraidError for other shapes, for an R that is no rotation and a K that is no projection.
    """
    for name, found, shapes in (("K", k, ["(B, 3, 3)"]), ("R", r, ["(B, 3, 3)", "(B, 3)"]), ("t", t, ["(B, 3)"])):
        expect_floats(name, found)
        if f"(B, {', '.join(map(str, found.shape[1:]))})" not in shapes:
            raise UnbraidError(f"{name} has the shape {tuple(found.shape)}", hint=f"expected {' or '.join(shapes)}")
    k, t = k.to(r), t.to(r)
    turned = r if r.ndim == 3 else torch.linalg.matrix_exp(_across(r))
    _expect(k, turned)
    batch = max(len(k), len(r), len(t))
    top = torch.cat([turned.expand(batch, 3, 3), t[:, :, None].expand(batch, 3, 1)], 2)
    top = top * r.new_tensor([[1.0], [-1.0], [-1.0]])                       # y up, and z backwards
    last = r.new_tensor([[[0.0, 0.0, 0.0, 1.0]]]).expand(batch, 1, 4)
    return Camera(torch.cat([top, last], 1), _projection(k, size, *depth_row(near, far), 0.5 - first))


def _projection(k: Tensor, size: tuple[int, int], deep: float, shift: float, half: float) -> Tensor:
    """Return the projection.  deep, shift: its row of depths; half: from a pixel's middle to its coordinate."""
    height, width = size
    zero = torch.zeros_like(k[:, 0, 0])
    rows = [[k[:, 0, 0] * 2 / width, -k[:, 0, 1] * 2 / width, 1 - (k[:, 0, 2] + half) * 2 / width, zero],
            [zero, k[:, 1, 1] * 2 / height, (k[:, 1, 2] + half) * 2 / height - 1, zero],
            [zero, zero, zero + deep, zero + shift], [zero, zero, zero - 1, zero]]
    return torch.stack([torch.stack(row, 1) for row in rows], 1)


def _across(v: Tensor) -> Tensor:
    """Return the matrices (B, 3, 3) that multiply by the vectors (B, 3) across."""
    x, y, z = v.unbind(1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).reshape(-1, 3, 3)


def _expect(k: Tensor, turned: Tensor) -> None:
    """Raise UnbraidError where numbers are no intrinsics, or no rotation."""
    if k.is_meta or turned.is_meta:
        return
    with torch.no_grad():
        square = turned @ turned.mT - torch.eye(3).to(turned)
        if not (bool((square.abs() < STRAIGHT).all()) and bool((torch.linalg.det(turned) > 0).all())):
            raise UnbraidError("R is no rotation", hint="expected a matrix whose inverse is its transpose, and that "
                               "mirrors nothing; or a vector of Rodrigues")
        shown = torch.stack([k[:, 1, 0], k[:, 2, 0], k[:, 2, 1], k[:, 2, 2] - 1], 1)
        if not (bool(k.isfinite().all()) and bool((k[:, [0, 1], [0, 1]] > 0).all()) and not bool(shown.any())):
            raise UnbraidError(f"K is {k[0].tolist()}", hint="expected [[fx, s, cx], [0, fy, cy], [0, 0, 1]], in "
                               "pixels, with fx and fy above 0")
