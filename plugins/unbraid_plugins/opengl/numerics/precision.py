"""Decorators of functions that need all digits, whatever autocast and their tensors say."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

from unbraid.values import map_tensors, tensors

LOWER = torch.float16, torch.bfloat16
P = ParamSpec("P")
T = TypeVar("T")


def precise(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function without autocast, with arguments of half precision raised to single; double stays double."""

    @functools.wraps(function)
    def called(*args: P.args, **options: P.kwargs) -> T:
        given = list(tensors((args, options)))
        device = given[0].device.type if given else "cpu"
        with torch.autocast("cpu" if device == "meta" else device, enabled=False):
            if any(t.dtype in LOWER for t in given):
                args, options = map_tensors(_raised, (args, options))
            return function(*args, **options)

    return called


def _raised(t: Tensor) -> Tensor:
    return t.float() if t.dtype in LOWER else t


def uncompiled(function: Callable[P, T]) -> Callable[P, T]:
    """Apply `torch.compiler.disable`, which takes a second to import, only where something is compiled."""

    @functools.wraps(function)
    def called(*args: P.args, **options: P.kwargs) -> T:
        if torch.compiler.is_compiling():
            return torch.compiler.disable(function)(*args, **options)          
        return function(*args, **options)

    return called
