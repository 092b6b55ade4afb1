"""Shapes of small operations, found by running them on zeros instead of torch's functions for the meta device."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

NUMBERS = 1 << 20                                  # in all tensors of an operation that runs on zeros
BY_VALUES = {torch.Tag.dynamic_output_shape, torch.Tag.data_dependent_output}
META = torch.device("meta")
RANDOM = torch.Tag.nondeterministic_seeded


class SmallShapes(TorchDispatchMode):
    """A context in which small operations on meta tensors run on zeros on the CPU, and give meta tensors.

    Torch's own functions of shapes import its compiler and sympy, 2 s. Zeros take 20 us, and what doesn't fit raises
    what a training would. Large operations, and those that depend on numbers, are left to torch.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:          # else torch wraps the method, and imports its compiler for that
        return False

    def __torch_dispatch__(self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:
        leaves, structure = pytree.tree_flatten((args, kwargs or {}))
        places = {v.device if isinstance(v, Tensor) else v for v in leaves
                  if isinstance(v, torch.device) or (isinstance(v, Tensor) and (v.ndim or v.is_meta))}
        if places != {META} or not _small(func, leaves):
            return func(*args, **(kwargs or {}))
        in_place = func.__name__.split(".")[0].endswith("_")
        if in_place and RANDOM in func.tags:
            return args[0]
        given, named = pytree.tree_unflatten([
            torch.empty_strided(v.shape, v.stride(), dtype=v.dtype).zero_() if isinstance(v, Tensor) else
            torch.device("cpu") if isinstance(v, torch.device) else v for v in leaves], structure)
        with torch.random.fork_rng(devices=(), enabled=RANDOM in func.tags):
            found = func(*given, **named)
        return args[0] if in_place else pytree.tree_map_only(Tensor, lambda t: torch.empty_strided(
            t.shape, t.stride(), dtype=t.dtype, device="meta"), found)


def _small(func: Any, leaves: Sequence[Any]) -> bool:
    """Whether an operation with these arguments takes little time on zeros, and is known by their shapes alone."""
    given = [v for v in leaves if isinstance(v, Tensor)]
    if not given:
        return RANDOM in func.tags and math.prod(v for v in leaves if type(v) is int) <= NUMBERS
    return (not func.is_view and not func.__name__.endswith("out") and not BY_VALUES & set(func.tags)
            and all("Tensor" in str(r.type) for r in func._schema.returns)
            and sum(max(t.numel(), t.untyped_storage().nbytes() // t.itemsize) for t in given) <= NUMBERS)
