"""What to say, and what to do, when the disk does not take what a training writes."""

from __future__ import annotations

import errno
import os
import re

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SHUT = (errno.EACCES, errno.EPERM, errno.EROFS)
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)


def reason(error: Exception) -> str:
    """What the system says: `No space left on device`."""
    number = _number(error)
    return str(error) if number is None else os.strerror(number)


def remedy(error: Exception) -> str:
    """What a person can do about it: free space, allow it, or put a folder back."""
    number = _number(error)
    if number in FULL:
        return "free some disk space"
    if number in SHUT:
        return "allow writing there"
    if number in GONE:
        return "put back the folder, which was moved or removed"
    return "look after the disk"


def _number(error: Exception) -> int | None:
    if isinstance(error, OSError):
        return error.errno
    told = re.search(r"os error (\d+)|code: (\d+)", str(error))     # safetensors tells it in its text
    return int(told[1] or told[2]) if told else None
