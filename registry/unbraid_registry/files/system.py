"""Refusals of the operating system: the reason in words, and a remedy for each."""

from __future__ import annotations

import errno
import os
import re

_ROOM = "free some disk space"
_RIGHTS = "allow writing there"
_BACK = "put back the folder, which was moved or removed"
_DISK = "look after the disk"
_FILES = "raise the number of files that may be open: ulimit -n 4096"
_SERVER = "see whether the server of that disk can be reached"
_NUMBERS = {                                       # systems differ in those that they know
    _ROOM: ("ENOSPC", "EDQUOT", "EFBIG"),
    _RIGHTS: ("EACCES", "EPERM", "EROFS"),
    _BACK: ("ENOENT", "ENOTDIR", "ESTALE"),
    _FILES: ("EMFILE", "ENFILE"),
    _DISK: ("EIO", "ENODEV", "ENXIO", "ENOTEMPTY", "EUCLEAN"),
    _SERVER: ("EREMOTEIO", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENOTCONN", "ENOLCK"),
    "close other programs, or lower data.batch": ("ENOMEM",),
    "close other programs, or raise the number of processes: ulimit -u": ("EAGAIN",),
    "take a shorter name, or a folder that is less deep": ("ENAMETOOLONG",),
    "remove what is there, or take another name": ("EEXIST",),
    "give the name of a file, not of a folder": ("EISDIR",),
    "mend the links, which lead around in a circle": ("ELOOP",),
    "take a name of letters that this disk can write": ("EILSEQ",),
    "wait until no other program uses it": ("EBUSY", "ETXTBSY"),
    "move some of its files into another folder": ("EMLINK",),
    "keep both on one disk": ("EXDEV",),
    "take another disk, which can do this": ("EOPNOTSUPP",),
}
_REMEDIES = {getattr(errno, name): text for text, names in _NUMBERS.items() for name in names if hasattr(errno, name)}
_OF_A_FILE = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ELOOP, errno.ENOTDIR, errno.EEXIST}


def reason(error: BaseException) -> str:
    """Return the system's reason for an error: `No space left on device`."""
    number = _number(error)
    if number == errno.EINVAL and isinstance(error, OSError) and error.strerror:
        return error.strerror                      # ours, which says more: `it is a pipe, not a file`
    return str(error) if number is None else os.strerror(number)


def remedy(error: BaseException) -> str:
    """Return advice against an error: free space, allow writing, or put a folder back.

    >>> remedy(OSError(errno.EMFILE, "Too many open files"))
    'raise the number of files that may be open: ulimit -n 4096'
    """
    return _REMEDIES.get(_number(error) or 0, _DISK)


def is_of_system(error: BaseException | None, *, of_a_file: bool = True) -> bool:
    """Whether the system refused, and nobody's code is at fault.

    of_a_file: also count refusals of one file alone: it is not there, or not ours to read.
    """
    number = _number(error) if isinstance(error, OSError) else None
    return number in _REMEDIES and (of_a_file or number not in _OF_A_FILE)


def _number(error: BaseException | None) -> int | None:
    if isinstance(error, OSError):
        return error.errno
    found = re.search(r"os error (\d+)|code: (\d+)", str(error))     # safetensors puts it in its text
    return int(found[1] or found[2]) if found else None
