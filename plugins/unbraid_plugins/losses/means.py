"""The mean of anything: a term that is a network's output itself."""

from __future__ import annotations

from torch import Tensor

from unbraid import loss


@loss
def mean(value: Tensor) -> Tensor:
    """Mean over batch and elements, for example of FactorVAE's density ratio:  mean (v).

    value: (B, ...).  Returns a scalar.
    """
    return value.mean()
