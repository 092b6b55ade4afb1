"""Settings of the whole process: the import of a plugin may not change them, nor may a caller's spoil a training."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from unbraid_registry.errors import UnbraidError


@contextmanager
def defaults_kept(plugin: str) -> Iterator[None]:
    """Put back torch's gradients, default dtype and default device if they change in the block, and warn."""
    before = _defaults(sys.modules.get("torch"))
    try:
        yield
    finally:
        torch = sys.modules.get("torch")
        after = _defaults(torch)
        if torch is not None and after is not None:
            before = before or (True, torch.float32, torch.device("cpu"))      # the import was the first of torch
            if after != before:
                torch.set_grad_enabled(before[0])
                torch.set_default_dtype(before[1])
                if after[2] != before[2]:
                    torch.set_default_device(before[2])
                what = [name for name, old, new in zip(("gradients", "default dtype", "default device"), before, after,
                                                       strict=True) if old != new]
                warnings.warn(f"the plugin {plugin!r} changed torch's {' and '.join(what)} when it was imported; "
                              "that was put back", stacklevel=4)


@contextmanager
def pinned() -> Iterator[None]:
    """Compute in the block as in a fresh process, and leave torch's random numbers as they were.

    Gradients are on; the caller's inference mode, autocast and default device don't count. A default dtype of double
    precision is meant. Raises UnbraidError for one of half precision.
    """
    import torch

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


def _defaults(torch: Any) -> tuple[bool, Any, Any] | None:
    if torch is None or not hasattr(torch, "get_default_device"):    # an older torch, or one that is being imported
        return None
    return torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_default_device()
