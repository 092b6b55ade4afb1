"""Losses between joints."""

from __future__ import annotations

from torch import Tensor

from unbraid import loss
from unbraid_plugins.shared.losses.reconstruction import same_shape


@loss
def joint_mse(prediction: Tensor, joints: Tensor) -> Tensor:
    """Mean squared error of joints, whose places count where they are visible (Ma et al. 2018, pose autoencoder):

        mean_j [ v ((r' - r)^2 + (c' - c)^2) + (v' - v)^2 ] / 3.

    prediction, joints: (B, n, 3), row and column in [-1, 1] and visibility v in [0, 1].  Returns a scalar.
    Raises ValueError where the shapes differ, or are no joints.
    """
    same_shape("joint_mse", prediction, joints)
    if joints.ndim != 3 or joints.shape[2] != 3:
        raise ValueError(f"joint_mse takes joints (B, n, 3); these are {tuple(joints.shape)}")
    squared = (prediction - joints).square()
    return (squared[..., :2].sum(-1) * joints[..., 2] + squared[..., 2]).mean() / 3
