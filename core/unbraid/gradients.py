"""A player's gradients as a whole: their norm, their sum, and clipping; None for a weight that no loss reached."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def norm(gradients: Sequence[Tensor | None]) -> Tensor:
    """The Euclidean norm of all together; 0 where there is none."""
    given = [g for g in gradients if g is not None]
    return torch.stack(torch._foreach_norm(given)).norm() if given else torch.zeros(())


def clipped(gradients: Sequence[Tensor | None], limit: float) -> list[Tensor | None]:
    """Scaled down to a norm of `limit`, where it is larger."""
    scale = (limit / (norm(gradients) + 1e-6)).clamp(max=1.0)
    return [None if g is None else g * scale for g in gradients]


def plus(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    """The sum of a weight's gradients."""
    return b if a is None else a if b is None else a + b


def laid_out(numbers: Tensor | None, weight: Tensor) -> Tensor | None:
    """A gradient or a moment, in memory as its weight is: torch's fused optimizers read all of them in one order."""
    if numbers is None or numbers.stride() == weight.stride():
        return numbers
    return torch.empty_like(weight).copy_(numbers)
