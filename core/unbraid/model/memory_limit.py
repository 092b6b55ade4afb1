"""A limit on the memory of networks, checked before their tensors are made."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from unbraid_registry.ambient import memory_of_machine

MOST_TENSORS = 20_000                              # of all networks; a billion layers would be made for ever
MAKERS = {torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn}


class WithinMemory(TorchFunctionMode):
    """A context in which new tensors may take `most` bytes together, by default half of this machine's memory.

    A tensor beyond the limit raises ValueError before it is made. Such networks could not be trained: gradients and
    moments take three times as much again. Filling memory that isn't there takes minutes, until the process is killed.
    """

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        self.most = memory_of_machine() / 2 if most is None else most
        self.taken = self.made = 0

    @contextmanager
    def next(self) -> Iterator[None]:
        """Count the tensors of one more network; forget them if the network can't be made."""
        before = self.taken
        try:
            with self:
                yield
        except BaseException:
            self.taken = before
            raise

    def __torch_function__(self, func: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (),
                           kwargs: Mapping[str, Any] | None = None) -> Any:
        options = kwargs or {}
        if func in MAKERS and str(options.get("device")) != "meta":
            sizes = [n for n in pytree.tree_leaves((args, options.get("size"))) if isinstance(n, int)]
            self.taken += math.prod(sizes) * (options.get("dtype") or torch.get_default_dtype()).itemsize
            self.made += 1
            if self.made > MOST_TENSORS:
                raise ValueError(f"the networks have more than {MOST_TENSORS:,} tensors")
            if self.taken > self.most:
                shape = " x ".join(f"{n:,}" for n in sizes)
                raise ValueError(f"with its weights, one of them {shape}, the networks take more than "
                                 f"{self.most / 2**30:.1f} GiB, half of this machine's memory")
        return func(*args, **options)
