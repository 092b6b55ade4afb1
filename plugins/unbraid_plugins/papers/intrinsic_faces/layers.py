"""Layers of a face: unit normals, and the gauge that says how bright light is."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from unbraid import loss, operation

LEAST = 0.05                                       # of the third number, before normals get their length


@operation
def unit_normals(v: Tensor) -> Tensor:
    """Unit normals that face the camera:  (x, y, softplus(z) + 0.05), divided by its length.

    The paper's N_z = sqrt(max(0, 1 - N_x^2 - N_y^2)) has an infinite slope at the outline; here every slope is finite.

    v: (B, 3, H, W), any numbers.  Returns the same shape, x right, y up, z to the camera, z > 0.
    Raises ValueError for another number of channels.
    """
    if v.ndim != 4 or v.shape[1] != 3:
        raise ValueError(f"unit_normals takes maps (B, 3, H, W); this has shape {tuple(v.shape)}")
    away = functional.softplus(v[:, 2:]) + LEAST
    return functional.normalize(torch.cat([v[:, :2], away], 1), dim=1)


@loss
def white_shading(shading: Tensor, mask: Tensor, *, mean: float = 0.75) -> Tensor:
    """Batch-wise white shading:  sum over channels c of 1/2 (sum m S_c / sum m - 0.75)^2, sums over batch and pixels.

    The albedo may be k times as bright and the light 1/k times; this term chooses k, and makes the mean light white.

    shading: S, (B, C, H, W), at least 0.
    mask: m, (B, 1, H, W) in [0, 1].
    mean: the mean of the shading, 0.75 in the authors' code.

    Returns a scalar; 0 for a batch without a face.  Raises ValueError where the shapes do not fit.
    """
    if shading.ndim != 4 or tuple(mask.shape) != (len(shading), 1, *shading.shape[2:]):
        raise ValueError(f"white_shading takes shading (B, C, H, W) and a mask (B, 1, H, W); these are "
                         f"{tuple(shading.shape)} and {tuple(mask.shape)}")
    total = mask.sum()
    found = (mask * shading).sum((0, 2, 3)) / total.clamp_min(1e-6)
    return 0.5 * ((found - mean).square().sum() * (total > 0))
