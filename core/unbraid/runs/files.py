"""Writing a file whole or not at all, and what to say when the disk does not take it."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from unbraid_registry import UnbraidError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)

Content = str | bytes | Callable[[Path], object]


class RunError(UnbraidError):
    """A folder that is no run, or can't be one."""


def write_whole(path: Path, content: Content, *, error: type[UnbraidError] = RunError, what: str = "",
                hint: str = "or choose another --out") -> Path:
    """Write a file whole or not at all, in a folder that is made where there is none; returns the path.

    content: text, bytes, or a function that writes to the scratch file that it is given.  error: what is raised where
    the disk refuses; what: what the file is, for its message.
    """
    try:
        with scratch_for(path) as scratch:
            if isinstance(content, str):
                scratch.write_text(content, encoding="utf-8")
            elif isinstance(content, bytes):
                scratch.write_bytes(content)
            else:
                content(scratch)
    except OSError as refused:
        raise error(f"can't write {what + ' ' if what else ''}{path}: {reason(refused)}",
                    hint=f"{remedy(refused)}, {hint}" if hint else remedy(refused)) from None
    return path


@contextmanager
def scratch_for(path: Path) -> Iterator[Path]:
    """A file of a random name beside `path`, which takes its place if all goes well, and is gone otherwise.

    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.stem[:100]}.", suffix=path.suffix, dir=path.parent)
    os.close(descriptor)
    scratch = Path(name)
    try:
        yield scratch
        scratch.chmod(path.parent.stat().st_mode & 0o666)       # as open as its folder
        os.replace(scratch, path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def reason(error: Exception) -> str:
    """What the system says: `No space left on device`."""
    number = _number(error)
    return str(error) if number is None else os.strerror(number)


def remedy(error: Exception) -> str:
    """What a person can do about it: free space, allow it, or put a folder back."""
    number = _number(error)
    if number in FULL:
        return "free some disk space"
    if number in FORBIDDEN:
        return "allow writing there"
    if number in GONE:
        return "put back the folder, which was moved or removed"
    return "look after the disk"


def _number(error: Exception) -> int | None:
    if isinstance(error, OSError):
        return error.errno
    told = re.search(r"os error (\d+)|code: (\d+)", str(error))     # safetensors tells it in its text
    return int(told[1] or told[2]) if told else None
