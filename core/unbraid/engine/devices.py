"""Devices of networks: choice, memory use and abilities."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

import torch

from unbraid_registry import UnbraidError


def device_of(name: str) -> torch.device:
    """Return the device that a recipe names; `auto` is CUDA if available, else the CPU.  Raises UnbraidError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device).item()       # fails on "meta"
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UnbraidError(f"train.device: can't use {name!r}: {str(error).partition('. ')[0].splitlines()[0]:.120}",
                           hint="auto, cpu, cuda or cuda:N") from None
    return device


def peak_memory() -> int:
    """Return this process's peak memory in bytes; with CUDA, its peak on the device; 0 where no one knows (Windows)."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return torch.cuda.max_memory_reserved()
    with suppress(ImportError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return 0


def without_bfloat16(device: torch.device) -> str:
    """Return why a device is slow in bfloat16: torch emulates it there.  Return "" if the device has it."""
    if device.type == "cuda":
        pretends = not torch.cuda.is_bf16_supported(including_emulation=False)
        return f"{torch.cuda.get_device_name(device)} has no bfloat16" if pretends else ""
    has = torch.cpu.get_capabilities()
    if device.type != "cpu" or has.get("architecture") != "x86_64" or has.get("avx512_bf16") or has.get("amx_bf16"):
        return ""
    return "this processor has no instructions for bfloat16"


TRIM, MAP = -1, -3                                 # parameters of glibc's mallopt
KEPT, MAPPED = 2**30, 2**25                        # bytes


def keep_freed_memory() -> None:
    """Let the C library keep up to a GiB of freed memory, for the whole process.

    By default glibc returns it to the system after nearly every step, and the next step waits for every page again: up
    to a tenth of the time. Other C libraries, and a user's MALLOC_TRIM_THRESHOLD_ or GLIBC_TUNABLES, stay as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None and not {"MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"} & os.environ.keys():
        mallopt(TRIM, KEPT)
        mallopt(MAP, MAPPED)                       # the most that glibc accepts: it returns larger pieces at once
