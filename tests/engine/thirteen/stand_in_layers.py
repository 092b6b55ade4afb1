"""Layers of the stand-ins."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from unbraid import Code, Gaussian, Record


def halving(here: int, there: int) -> nn.Module:
    """(B, here, H, W) -> (B, there, H/2, W/2), by a convolution."""
    return nn.Conv2d(here, there, 4, stride=2, padding=1)


def doubling(here: int, there: int) -> nn.Module:
    """(B, here, H, W) -> (B, there, 2 H, 2 W), by a transposed convolution."""
    return nn.ConvTranspose2d(here, there, 4, stride=2, padding=1)


class Heads(nn.Module):
    """trunk -> a Record of what each head makes."""

    def __init__(self, trunk: nn.Module, heads: dict[str, nn.Module], layouts: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.trunk, self.heads, self.layouts = trunk, nn.ModuleDict(heads), layouts or {}

    def forward(self, *inputs: Tensor) -> Record:
        seen = self.trunk(*inputs)
        made = {name: head(seen) for name, head in self.heads.items()}
        return Record({name: Code(v, self.layouts[name]) if name in self.layouts else v for name, v in made.items()})


class Normal(nn.Module):
    """body -> a Gaussian, of twice its channels."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Gaussian:
        mean, logvar = self.body(x).chunk(2, 1)
        return Gaussian(mean, 0.1 * logvar)
