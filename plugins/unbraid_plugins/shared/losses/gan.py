"""Non-saturating adversarial losses (Goodfellow et al. 2014), on scores: logits, high is real."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn.functional import softplus

from unbraid import hookimpl, loss
from unbraid_plugins.shared.losses.reconstruction import same_shape


@loss
def tell_apart(real: Tensor, fake: Tensor) -> Tensor:
    """The critic's loss (eq. 1):  -E log D(x) - E log(1 - D(x~)),  D = sigmoid(score).

    real, fake: scores, (B, n).  Returns a scalar.  Raises ValueError where the shapes differ.
    """
    same_shape("gan.tell_apart", real, fake)
    return softplus(-real).mean() + softplus(fake).mean()


@loss
def fool(fake: Tensor) -> Tensor:
    """The generator's loss, non-saturating (section 3):  -E log D(x~).

    fake: scores, (B, n).  Returns a scalar.
    """
    return softplus(-fake).mean()


@loss
def accuracy(real: Tensor, fake: Tensor) -> Tensor:
    """Share of scores on the right side of 0, in [0, 1]: for logging or for `when`; it has no gradient.

    real, fake: scores, (B, n).  Returns a scalar.  Raises ValueError where the shapes differ.
    """
    same_shape("gan.accuracy", real, fake)
    return 0.5 * ((real > 0).to(real.dtype).mean() + (fake < 0).to(fake.dtype).mean())


@hookimpl
def unbraid_components() -> list[Any]:
    """Return gan.tell_apart, gan.fool, gan.accuracy."""
    return [tell_apart, fool, accuracy]
