"""The reconstructor g(i, n): the rich feature of a face, from an identity feature and an other feature."""

from __future__ import annotations

from typing import Literal, get_args

import attrs
from attrs.validators import ge, in_
from torch import Tensor, nn

from unbraid import Context, UnbraidError, network
from unbraid_plugins.shared.convnets.layers import with_first_weights

Fusion = Literal["sum", "product"]


class Fused(nn.Module):
    """A linear layer for each of the two features, and the sum or the product of what they give."""

    def __init__(self, sizes: tuple[int, int], features: int, fusion: str) -> None:
        super().__init__()
        self.of_identity, self.of_other = (with_first_weights(nn.Linear(size, features)) for size in sizes)
        self.fusion = fusion

    def forward(self, identity: Tensor, other: Tensor) -> Tensor:
        """(B, d), (B, k) -> (B, features)."""
        a, b = self.of_identity(identity), self.of_other(other)
        return a + b if self.fusion == "sum" else a * b


@network
@attrs.frozen(kw_only=True)
class Reconstructor:
    """g(i, n): a linear layer for the identity feature and one for the other feature, added up or multiplied.

    Identity (B, d) and the rest (B, k) -> rich feature (B, features).

    features: the size of the rich feature, 512 in the paper.
    fusion: "sum", which is one linear layer on both together, or "product", number by number.
    """

    features: int = attrs.field(default=512, validator=ge(1))
    fusion: Fusion = attrs.field(default="sum", validator=in_(get_args(Fusion)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for two features of these shapes."""
        if len(inputs) != 2 or any(v.ndim != 2 for v in inputs):
            raise UnbraidError(f"{context.name} takes an identity and what else is known of the image",
                               hint=f"call it so: {context.name}(f1.identity, f2.other)")
        return Fused((inputs[0].shape[1], inputs[1].shape[1]), self.features, self.fusion)
