"""Heads: the identity of a face from its identity feature, its landmarks from the other feature."""

from __future__ import annotations

import attrs
from attrs.validators import ge
from torch import Tensor, nn

from unbraid import Context, Record, UnbraidError, network
from unbraid_plugins.shared.convnets.inputs import flat_size, vectors


class Head(nn.Module):
    """One linear layer on the concatenated inputs."""

    def __init__(self, inputs: tuple[Tensor, ...], name: str, out: int) -> None:
        super().__init__()
        if not inputs:
            raise UnbraidError(f"{name} is called without a value", hint=f"give it a feature: {name}(f)")
        self.linear = nn.Linear(flat_size(inputs), out)

    def forward(self, *features: Tensor) -> Tensor:
        """Features (B, d), ... -> (B, out)."""
        return self.linear(vectors(features))


@network
@attrs.frozen(kw_only=True)
class LabelHead:
    """One linear layer from a feature to a logit for each class of a labelled factor, such as each known person.

    Feature (B, d) -> logits (B, classes).

    of: the labelled factor.
    """

    of: str

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for features of these shapes."""
        if self.of not in context.factors:
            raise UnbraidError(f"{context.name}: of: the data has no labelled factor {self.of!r}",
                               hint=f"labelled factors: {', '.join(context.factors) or 'none'}")
        return Head(inputs, context.name, context.factors[self.of])


class Landmarks(nn.Module):
    """A linear layer to the places of points and to logits of their visibility."""

    def __init__(self, head: Head, points: int) -> None:
        super().__init__()
        self.head, self.points = head, points

    def forward(self, *features: Tensor) -> Record:
        """Features (B, d), ... -> a record: points (B, n, 2), visible (B, n)."""
        found = self.head(*features)
        return Record({"points": found[:, :2 * self.points].unflatten(1, (self.points, 2)),
                       "visible": found[:, 2 * self.points:]})


@network
@attrs.frozen(kw_only=True)
class LandmarkHead:
    """One linear layer from a feature to landmarks and to whether each of them can be seen.

    Feature (B, d) -> a record: `points` (B, n, 2), in the units of the data, and `visible` (B, n), logits.

    points: n, 68 in the paper.
    """

    points: int = attrs.field(default=68, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for features of these shapes."""
        return Landmarks(Head(inputs, context.name, 3 * self.points), self.points)
