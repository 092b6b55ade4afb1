"""Memory that a step on a CPU frees is kept for the next one."""

from __future__ import annotations

import ctypes
import os

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
