"""Hinge adversarial losses (Lim & Ye 2017; Miyato et al. 2018), on scores: high is real."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn.functional import relu

from unbraid import hookimpl, loss
from unbraid_plugins.shared.losses.reconstruction import same_shape


@loss
def tell_apart(real: Tensor, fake: Tensor) -> Tensor:
    """The critic's loss (Miyato et al. 2018, eq. 16):  E max(0, 1 - D(x)) + E max(0, 1 + D(x~)).

    real, fake: scores, (B, n).  Returns a scalar.  Raises ValueError where the shapes differ.
    """
    same_shape("hinge.tell_apart", real, fake)
    return relu(1 - real).mean() + relu(1 + fake).mean()


@loss
def fool(fake: Tensor) -> Tensor:
    """The generator's loss (Miyato et al. 2018, eq. 17):  -E D(x~).

    fake: scores, (B, n).  Returns a scalar.
    """
    return -fake.mean()


@hookimpl
def unbraid_components() -> list[Any]:
    """Return hinge.tell_apart, hinge.fool."""
    return [tell_apart, fool]
