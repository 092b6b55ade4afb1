"""What to do when the disk does not take what a training writes."""

from __future__ import annotations

import errno
import re

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SHUT = (errno.EACCES, errno.EPERM, errno.EROFS)
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)


def remedy(error: Exception) -> str:
    """What a person can do about an error of writing: free space, allow it, or put a folder back."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (told := re.search(r"code: (\d+)", str(error))):         # safetensors' own errors
        number = int(told[1])
    if number in FULL:
        return "free some disk space"
    if number in SHUT:
        return "allow writing there"
    if number in GONE:
        return "put back the folder, which was moved or removed"
    return "look after the disk"
