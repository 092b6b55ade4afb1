"""Skip connections: the feature maps of an encoder, for the levels of a generator (Ronneberger, Fischer, Brox 2015)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from unbraid import Code, Context, Gaussian, Layout, Record, UnbraidError, Value, value
from unbraid_plugins.shared.convnets.feature_sizes import Size
from unbraid_plugins.shared.convnets.inputs import maps, vectors
from unbraid_plugins.shared.convnets.transposed import Enlarging
from unbraid_plugins.shared.convnets.wrappers import FirstMap


@value
class Skips:
    """The feature maps of an encoder, one for each halving of the image, largest first: (B, c, H / 2, W / 2), ..."""

    maps: tuple[Tensor, ...]


def parted(inputs: Iterable[Any]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Return the tensors among a network's inputs, and the maps of skips among them.

    A record gives all of its parts, a code its tensor, a Gaussian its mean.
    """
    found: list[Tensor] = []
    skips: list[Tensor] = []
    for v in inputs:
        if isinstance(v, Skips):
            skips += v.maps
        elif isinstance(v, Record | Gaussian | Code):
            parts = v.parts.values() if isinstance(v, Record) else [v.mean if isinstance(v, Gaussian) else v.tensor]
            tensors, more = parted(parts)
            found += tensors
            skips += more
        else:
            found.append(v)
    return tuple(found), tuple(skips)


class LookingWithSkips(nn.Module):
    """head(trunk(inputs)) as `Looking` has it, and the trunk's maps after each of its ReLUs."""

    def __init__(self, trunk: nn.Sequential, head: nn.Module, layout: Layout) -> None:
        super().__init__()
        self.trunk, self.head, self.layout = trunk, head, layout

    def forward(self, *inputs: Tensor) -> Record:
        """Images (B, C, H, W) and vectors (B, d) -> a record of `code` and `skips`."""
        x, found = maps(inputs), []
        for layer in self.trunk:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                found.append(x)
        return Record({"code": _named(self.head(x), self.layout), "skips": Skips(tuple(found))})


def _named(code: Value, layout: Layout) -> Value:
    """Return a tensor as a code; a Gaussian gets a code as its mean."""
    return Gaussian(Code(code.mean, layout), code.logvar) if isinstance(code, Gaussian) else Code(code, layout)


class MakingWithSkips(nn.Module):
    """body(first(codes)) as `Making` has it, with an encoder's map beside the own one before each doubling."""

    def __init__(self, first: nn.Module, body: nn.Sequential) -> None:
        super().__init__()
        self.first, self.body = first, body

    def forward(self, *inputs: Any) -> Tensor:
        """Codes (B, d) and skips -> image (B, C, H, W)."""
        codes, skips = parted(inputs)
        x, left = self.first(vectors(codes)), list(skips)
        for layer in self.body:
            if isinstance(layer, Enlarging):
                x = torch.cat([x, left.pop()], 1)
            x = layer(x)
        return x


def skipped_channels(context: Context, skips: tuple[Tensor, ...], first: FirstMap) -> list[int]:
    """Return the channels that skips add to the map after each number of halvings; zeros without skips.

    Raises UnbraidError where the skips are not those of an image of this size.
    """
    if not skips:
        return [0] * (first.levels + 1)
    found: list[Size] = [(int(s.shape[2]), int(s.shape[3])) for s in skips]
    if first.spatial or found != first.sizes[1:]:
        wanted = ", ".join(f"{h} x {w}" for h, w in first.sizes[1:])
        raise UnbraidError(f"{context.name} joins its maps of {wanted} with skips; these are "
                           + ", ".join(f"{h} x {w}" for h, w in found),
                           hint="take the skips of a conv_encoder of images of this size, and codes that are vectors")
    return [0, *(int(s.shape[1]) for s in skips)]
