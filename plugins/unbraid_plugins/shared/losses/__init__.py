"""The losses that many methods share: pixels, labels, distributions, cycles and gradient penalties.

The adversarial families beside them are separate plugins: `gan`, `hinge`, `lsgan` and `wgan`.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.shared.losses.cycle import cycle, cycle_code
from unbraid_plugins.shared.losses.gradient_penalties import gradient_penalty, r1
from unbraid_plugins.shared.losses.kl import kl
from unbraid_plugins.shared.losses.labels import accuracy, binary_cross_entropy, cross_entropy, label_mse
from unbraid_plugins.shared.losses.reconstruction import (
    bernoulli,
    gaussian_nll,
    l1,
    laplace_nll,
    masked_l1,
    masked_mse,
    mean,
    mse,
    smooth,
)


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the shared losses."""
    return [mse, l1, bernoulli, gaussian_nll, laplace_nll, masked_mse, masked_l1, smooth, binary_cross_entropy,
            cross_entropy, label_mse, accuracy, kl, mean, cycle, cycle_code, r1, gradient_penalty]
