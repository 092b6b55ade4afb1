"""Functions that `torch.compile` calls as they are."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")


def uncompiled(function: Callable[P, T]) -> Callable[P, T]:
    """`torch.compiler.disable`, which takes a second to import, where something is compiled."""

    @functools.wraps(function)
    def called(*args: P.args, **options: P.kwargs) -> T:
        if torch.compiler.is_compiling():
            return torch.compiler.disable(function)(*args, **options)            # type: ignore[no-any-return]
        return function(*args, **options)

    return called
