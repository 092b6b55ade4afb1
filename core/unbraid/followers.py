"""Networks that follow others, and networks that are looked at without a trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn


@torch.no_grad()
def follow(average: nn.Module, of: nn.Module, decay: float) -> None:
    """average <- decay * average + (1 - decay) * of, and its buffers as they are."""
    torch._foreach_lerp_(list(average.parameters()), list(of.parameters()), 1 - decay)
    for a, b in zip(average.buffers(), of.buffers(), strict=True):
        a.copy_(b)


@contextmanager
def undisturbed(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Within, modules may be called; afterwards their running statistics and their like are as they were."""
    buffers = [b for module in modules for b in module.buffers()]
    before = [b.clone() for b in buffers]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, was in zip(buffers, before, strict=True):
                buffer.copy_(was)
