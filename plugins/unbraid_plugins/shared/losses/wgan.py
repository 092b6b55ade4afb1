"""Wasserstein adversarial losses (Arjovsky, Chintala, Bottou 2017), on scores: high is real.

The critic must be kept Lipschitz: `then: clip_weights(critic, limit=0.01)`, or a term `10 * gradient_penalty(...)`.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from unbraid import hookimpl, loss
from unbraid_plugins.shared.losses.reconstruction import same_shape


@loss
def tell_apart(real: Tensor, fake: Tensor) -> Tensor:
    """The critic's loss (eq. 3, negated to be minimised):  E D(x~) - E D(x).

    real, fake: scores, (B, n).  Returns a scalar.  Raises ValueError where the shapes differ.
    """
    same_shape("wgan.tell_apart", real, fake)
    return fake.mean() - real.mean()


@loss
def fool(fake: Tensor) -> Tensor:
    """The generator's loss:  -E D(x~).

    fake: scores, (B, n).  Returns a scalar.
    """
    return -fake.mean()


@hookimpl
def unbraid_components() -> list[Any]:
    """Return wgan.tell_apart, wgan.fool."""
    return [tell_apart, fool]
