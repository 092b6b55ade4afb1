"""Penalties on the slope of a critic.

They take the critic itself, differentiate its score with respect to its inputs, and leave their arguments unchanged.
The critic must not be compiled, because it is differentiated twice.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from unbraid import Random, Value, loss
from unbraid.values import records as values
from unbraid_plugins.shared.losses.reconstruction import same_shape


def _squared_slope(critic: Callable[..., Tensor], *inputs: Value) -> Tensor:
    """Return |gradient of the score|^2 per sample, (B,), with respect to all inputs except labels."""
    second_order = torch.is_grad_enabled()
    with torch.enable_grad():
        points = [values.plain(v).detach() for v in inputs]
        moved = [p.requires_grad_() for p, v in zip(points, inputs, strict=True) if not isinstance(v, values.Label)]
        scores = critic(*points)
        if not isinstance(scores, Tensor):
            raise ValueError(f"a gradient penalty needs a critic that gives scores; it gives a {type(scores).__name__}")
        per_sample = scores.reshape(len(scores), -1).mean(1)
        slopes = torch.autograd.grad(per_sample.sum(), moved, create_graph=second_order, allow_unused=True,
                                     materialize_grads=True)
        return torch.stack([s.reshape(len(s), -1).square().sum(1) for s in slopes]).sum(0)


@loss
def r1(critic: Callable[..., Tensor], *real: Value) -> Tensor:
    """Squared slope of the critic at real data (Mescheder, Geiger, Nowozin 2018, eq. 9):  E |grad D(x)|^2.

    The paper's gamma / 2 is the term's weight. A critic with several scores per image (patches) counts with their mean.

    critic: the network.
    real: its inputs, (B, ...) each; labels stay constant.

    Returns a scalar.
    """
    return _squared_slope(critic, *real).mean()


@loss
def gradient_penalty(critic: Callable[..., Tensor], real: Tensor, fake: Tensor, *, random: Random) -> Tensor:
    """Distance of the critic's slope from 1 between real and fake (Gulrajani et al. 2017, eq. 3):

        E (|grad D(x^)| - 1)^2,  x^ = e x + (1 - e) x~,  e uniform in [0, 1) per sample.

    The paper's lambda = 10 is the term's weight.

    critic: the network, of one input.
    real, fake: (B, ...).

    Returns a scalar.  Raises ValueError where the shapes differ.
    """
    same_shape("gradient_penalty", real, fake)
    e = random.uniform(len(real)).reshape(-1, *[1] * (real.ndim - 1)).to(real.dtype)
    between = torch.lerp(fake.detach(), real.detach(), e)
    squared = _squared_slope(critic, between)
    # no gradient where the slope is 0: the derivative of the root is infinite there
    slope = torch.where(squared > 0, squared, 1).sqrt() * (squared > 0)
    return (slope - 1).square().mean()
