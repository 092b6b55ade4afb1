"""Writing of files whole or not at all, past links that were planted."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from unbraid_registry.errors import UnbraidError
from unbraid_registry.files.reading import NO_WAIT, kind_of
from unbraid_registry.files.system import reason, remedy

NO_LINK = getattr(os, "O_NOFOLLOW", 0)            # Windows has none of these flags

Content = str | bytes | Callable[[Path], object]


class FileError(UnbraidError):
    """Raised for a file or folder that can't be written, or that is not what it should be."""


def write_whole(path: Path, content: Content, *, error: type[UnbraidError] = FileError, what: str = "",
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
        _allow(scratch, path.parent, 0o666)
        os.replace(scratch, path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


@contextmanager
def scratch_folder_for(path: Path, prefix: str = "") -> Iterator[Path]:
    """Yield a new folder of a random name beside `path`; it replaces the file or folder at `path` on success.

    prefix: how its name begins, where the leftovers of a killed process are to be found again.  Raises OSError.
    """
    scratch = Path(tempfile.mkdtemp(prefix=prefix or f".{path.name[:100]}.", dir=path.parent))
    try:
        yield scratch
        _allow(scratch, path.parent, 0o777)
        if path.is_symlink() or path.exists():
            old = path.with_name(f"{scratch.name}.old")
            os.replace(path, old)
            os.replace(scratch, path)
            remove_tree(old)
        else:
            os.replace(scratch, path)
    finally:
        remove_tree(scratch)


@contextmanager
def open_to_write(path: Path, *, append: bool = False) -> Iterator[BinaryIO]:
    """Open a file, made if missing, to append to it or to lock it; it is never emptied, and never a link or a pipe.

    Raises OSError.
    """
    flags = os.O_WRONLY | os.O_APPEND if append else os.O_RDWR
    try:
        descriptor = os.open(path, flags | os.O_CREAT | NO_LINK | NO_WAIT, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise OSError(errno.EINVAL, f"it is a {'link' if error.errno == errno.ELOOP else 'pipe'}, not a file",
                          str(path)) from None
        raise
    try:
        if kind := kind_of(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, f"it is a {kind}, not a file", str(path))
        file = os.fdopen(descriptor, "ab" if append else "r+b", buffering=0)
    except BaseException:
        os.close(descriptor)
        raise
    with file:
        yield file


def flush(path: Path) -> None:
    """Make sure that a file or folder is on the disk.  Raises OSError."""
    if os.name == "nt":                            # which flushes no folders, and files only while they are written
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EROFS):
            raise                                  # else the disk has no fsync, of folders at least
    finally:
        os.close(descriptor)


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, or a file, or a link and not what it leads to; no error if it can't."""
    with suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _allow(scratch: Path, folder: Path, mask: int) -> None:
    """Give a file the permissions of its folder, where the disk knows permissions."""
    with suppress(OSError):
        scratch.chmod(folder.stat().st_mode & mask)
