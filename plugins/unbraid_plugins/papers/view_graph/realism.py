"""Realism by nearest neighbours: an image is real if the data has some that look like it."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import torch
from attrs.validators import ge
from torch import Tensor, nn
from torch.nn.functional import normalize

from unbraid import Context, UnbraidError, network


def described(looks: Tensor) -> Tensor:
    """Return what a network said of images, (B, ...), as descriptors of length 1, (B, K)."""
    return normalize(looks.flatten(1).float(), dim=1)


def realism(looks: Tensor, data: Tensor, neighbours: int, own: Tensor | None = None) -> Tensor:
    """Return the mean similarity to the nearest neighbours:  mean of the k largest phi(x)^T phi(x_j), j != i.

    looks, data: descriptors phi of length 1, (B, K) and (N, K).
    neighbours: k, at most N.
    own: (B,) rows i of the data that do not count.

    Returns (B,) in [-1, 1].
    """
    similarity = looks @ data.T
    if own is not None:
        similarity[torch.arange(len(own)), own] = -1
    return similarity.topk(min(neighbours, len(data) - (own is not None)), dim=1).values.mean(1)


@network
@attrs.frozen(kw_only=True)
class NearestRealism:
    """Realism by nearest neighbours, in place of a critic that learns (Szabó, Vedaldi, Favaro 2015).

    Descriptors (B, ...) -> scores (B, 1) in [-1, 1], with gradients. It is fitted to the descriptors that it is called
    with in the flow, over the whole source.

    neighbours: how many of them count.
    """

    neighbours: int = attrs.field(default=10, validator=ge(1))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Return the module, which knows no data yet."""
        if len(inputs) != 1:
            raise UnbraidError(f"{context.name} is called with {len(inputs)} values",
                               hint=f"it takes descriptors of images: {context.name}(features(x))")
        return NearestNeighbours(self.neighbours, inputs[0][0].numel())


class NearestNeighbours(nn.Module):
    """The module of `NearestRealism`.  data: (N, K), the descriptors of the source."""

    data: Tensor

    def __init__(self, neighbours: int, size: int) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.register_buffer("data", torch.zeros(0, size))

    def forward(self, looks: Tensor) -> Tensor:
        """(B, ...) -> (B, 1); 0 before the fit."""
        if looks.is_meta or not len(self.data):
            return looks.flatten(1).float().sum(1, keepdim=True) * 0
        return realism(described(looks), self.data, self.neighbours)[:, None]

    def fit(self, batches: Iterator[tuple[Tensor]]) -> None:
        """Keep the descriptors of all images."""
        self.data = torch.cat([described(looks) for looks, in batches])
