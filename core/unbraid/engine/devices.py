"""Where networks run, and what it has."""

from __future__ import annotations

import ctypes
import os
import resource

import torch

from unbraid_registry import UnbraidError


def device_of(name: str) -> torch.device:
    """The device of a recipe: auto is CUDA where there is one.  Raises UnbraidError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device).item()       # which "meta" has not
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UnbraidError(f"train.device: can't use {name!r}: {str(error).partition('. ')[0].splitlines()[0]:.120}",
                           hint="auto, cpu, cuda or cuda:N") from None
    return device


def peak_memory() -> int:
    """The most memory that this process had so far, in bytes; on CUDA, that of the device."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return torch.cuda.max_memory_reserved()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def without_bfloat16(device: torch.device) -> str:
    """What a device lacks to compute in bfloat16 as fast as it could: torch pretends, bit by bit.  "" where nothing."""
    if device.type == "cuda":
        pretends = not torch.cuda.is_bf16_supported(including_emulation=False)
        return f"{torch.cuda.get_device_name(device)} has no bfloat16" if pretends else ""
    has = torch.cpu.get_capabilities()
    if device.type != "cpu" or has.get("architecture") != "x86_64" or has.get("avx512_bf16") or has.get("amx_bf16"):
        return ""
    return "this processor has no instructions for bfloat16"


TRIM, MAP = -1, -3                                 # of glibc's mallopt
KEPT, MAPPED = 2**30, 2**25                        # bytes


def keep_freed_memory() -> None:
    """Let the C library keep up to a GiB that was freed, for the whole process.

    By default glibc gives it back after nearly every step, and the next one waits for every page of it anew: up to a
    tenth of the time. Other C libraries, and what a user has set by MALLOC_TRIM_THRESHOLD_ or GLIBC_TUNABLES, stay.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None and not {"MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"} & os.environ.keys():
        mallopt(TRIM, KEPT)
        mallopt(MAP, MAPPED)                       # the most that it takes: larger pieces are given back at once
