"""The losses that many methods share: pixels, labels, distributions, cycles and gradient penalties.

The adversarial families are plugins of their own beside them: `gan`, `hinge`, `lsgan` and `wgan`.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.losses.cycles import cycle, cycle_code
from unbraid_plugins.losses.distributions import kl
from unbraid_plugins.losses.labels import accuracy, binary_cross_entropy, cross_entropy, label_mse
from unbraid_plugins.losses.means import mean
from unbraid_plugins.losses.penalties import gradient_penalty, r1
from unbraid_plugins.losses.pixels import bernoulli, gaussian_nll, l1, laplace_nll, masked_l1, masked_mse, mse, smooth


@hookimpl
def unbraid_components() -> list[Any]:
    """The shared losses."""
    return [mse, l1, bernoulli, gaussian_nll, laplace_nll, masked_mse, masked_l1, smooth, binary_cross_entropy,
            cross_entropy, label_mse, accuracy, kl, mean, cycle, cycle_code, r1, gradient_penalty]
