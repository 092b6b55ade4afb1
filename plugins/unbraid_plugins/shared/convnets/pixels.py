"""The last step of a generator: from numbers to pixels."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

Output = Literal["sigmoid", "tanh", "logits"]


class Pixels(nn.Module):
    """The map from a generator's numbers to pixels or logits.

    sigmoid is 1 / (1 + exp(-a)) and tanh is (tanh(a) + 1) / 2, both in [0, 1]; logits is a itself, for `bernoulli`.
    """

    def __init__(self, output: Output) -> None:
        super().__init__()
        self.output = output

    def forward(self, a: Tensor) -> Tensor:
        """Return pixels or logits of the same shape."""
        if self.output == "sigmoid":
            return a.sigmoid()
        return 0.5 * (a.tanh() + 1) if self.output == "tanh" else a

    def extra_repr(self) -> str:
        """Return the name of the map."""
        return self.output
