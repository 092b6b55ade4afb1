"""Folders that were received: no link in them leads out, and nothing in them is a pipe or a device."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unbraid_registry.files.reading import kind_of
from unbraid_registry.files.writing import FileError

VARIABLE = "UNBRAID_FOLLOW_LINKS"
_followed: list[bool] = []                         # the nested contexts of `followed_links`


@contextmanager
def followed_links(follow: bool = True) -> Iterator[None]:
    """Follow links that leave a folder within this context: for one's own checkpoints on another disk."""
    _followed.append(follow)
    try:
        yield
    finally:
        _followed.pop()


def refuse_foreign(folder: Path, error: type[FileError] = FileError) -> None:
    """Refuse a folder with a link, at any depth, that leaves it, or with a pipe, a socket or a device.

    Links that leave it are accepted within `followed_links`, and where UNBRAID_FOLLOW_LINKS=1.  Raises `error`.
    """
    root = os.path.realpath(folder)
    follow = any(_followed[-1:]) or os.environ.get(VARIABLE, "") == "1"
    waiting = [str(folder)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:                            # gone, or not ours to read: whoever needs it says so
            continue
        for entry in entries:
            if entry.is_symlink():
                there = os.path.realpath(entry.path)
                if not follow and there != root and not there.startswith(root.rstrip(os.sep) + os.sep):
                    raise error(f"{entry.path} is a link that leaves the folder, to {there}",
                                hint="if it is yours, follow it with --follow-links (UNBRAID_FOLLOW_LINKS=1); else "
                                "remove it")
            elif entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif not entry.is_file(follow_symlinks=False) and (kind := _kind(entry)):
                raise error(f"{entry.path} is a {kind}, and no file", hint="remove it")


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        return kind_of(entry.stat(follow_symlinks=False).st_mode)
    except OSError:                                # removed meanwhile
        return ""
