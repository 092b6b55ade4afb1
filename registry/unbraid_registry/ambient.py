"""Settings of the whole process, which the import of a plugin may not change."""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


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


def memory_of_machine() -> float:
    """Return the machine's memory in bytes; infinity where the system doesn't tell."""
    if not hasattr(os, "sysconf"):
        return math.inf
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _defaults(torch: Any) -> tuple[bool, Any, Any] | None:
    if torch is None or not hasattr(torch, "get_default_device"):    # an older torch, or one that is being imported
        return None
    return torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_default_device()
