"""Least-squares adversarial losses (Mao et al. 2017) with targets 1 (real) and 0 (fake), on scores."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from unbraid import hookimpl, loss
from unbraid_plugins.shared.losses.reconstruction import same_shape


@loss
def tell_apart(real: Tensor, fake: Tensor) -> Tensor:
    """The critic's loss (eq. 9):  1/2 E (D(x) - 1)^2 + 1/2 E D(x~)^2.

    real, fake: scores, (B, n).  Returns a scalar.  Raises ValueError where the shapes differ.
    """
    same_shape("lsgan.tell_apart", real, fake)
    return 0.5 * (real - 1).square().mean() + 0.5 * fake.square().mean()


@loss
def fool(fake: Tensor) -> Tensor:
    """The generator's loss (eq. 9):  1/2 E (D(x~) - 1)^2.

    fake: scores, (B, n).  Returns a scalar.
    """
    return 0.5 * (fake - 1).square().mean()


@hookimpl
def unbraid_components() -> list[Any]:
    """Return lsgan.tell_apart, lsgan.fool."""
    return [tell_apart, fool]
