"""Settings of the caller's process, which may not spoil a training or a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from unbraid_registry import UnbraidError


@contextmanager
def pinned() -> Iterator[None]:
    """Compute in the block as in a fresh process, and leave torch's random numbers as they were.

    Gradients are on; the caller's inference mode, autocast and default device don't count. A default dtype of double
    precision is meant. Raises UnbraidError for one of half precision.
    """
    if (dtype := torch.get_default_dtype()) not in (torch.float32, torch.float64):
        raise UnbraidError(f"torch's default dtype is {str(dtype).partition('.')[2]}, in which nothing is learned",
                           hint="torch.set_default_dtype(torch.float32); a recipe's train.precision is for bf16")
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with ExitStack() as held:
        held.enter_context(torch.random.fork_rng([*gpus]))
        held.enter_context(torch.inference_mode(False))
        held.enter_context(torch.enable_grad())
        if torch.get_default_device() != torch.device("cpu"):
            held.enter_context(torch.device("cpu"))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                held.enter_context(torch.autocast(kind, enabled=False))
        yield
