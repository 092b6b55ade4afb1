"""Writing of files whole or not at all, and messages for what the disk refuses."""

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
    """Raised for a folder that has no run, or can't take one."""


def write_whole(path: Path, content: Content, *, error: type[UnbraidError] = RunError, what: str = "",
                hint: str = "or choose another --out") -> Path:
    """Write a file whole or not at all, and return its path.  Missing folders are created.

    content: text, bytes, or a function that writes to the scratch file at the path that it gets.
    error: the class to raise if the disk refuses.
    what: a word for the file in the message.

    >>> write_whole(Path("notes.txt"), "Seed 3 was best.").read_text()
    'Seed 3 was best.'
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
    """Yield a scratch file with a random name beside `path`; it replaces `path` on success, else it is removed.

    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.stem[:100]}.", suffix=path.suffix, dir=path.parent)
    os.close(descriptor)
    scratch = Path(name)
    try:
        yield scratch
        scratch.chmod(path.parent.stat().st_mode & 0o666)       # permissions as its folder's
        os.replace(scratch, path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def reason(error: Exception) -> str:
    """Return the system's reason for an error: `No space left on device`."""
    number = _number(error)
    return str(error) if number is None else os.strerror(number)


def remedy(error: Exception) -> str:
    """Return advice against an error: free space, allow writing, or put a folder back."""
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
    told = re.search(r"os error (\d+)|code: (\d+)", str(error))     # safetensors puts it in its text
    return int(told[1] or told[2]) if told else None
