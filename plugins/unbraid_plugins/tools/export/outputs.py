"""Writing of a file or a folder completely or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unbraid_plugins.tools.export.formats import ExportError
from unbraid_registry.files import scratch_folder_for, scratch_for


@contextmanager
def whole(path: Path, *, force: bool = False, folder_with: str = "") -> Iterator[Path]:
    """Yield a scratch path beside `path`; at the end it is renamed to `path`.

    force: replace an existing file or folder.
    folder_with: for a folder, the file that marks an earlier export of the same kind; no other folder is ever replaced,
        unless it is empty.

    If anything fails, nothing new appears and the old content stays. Raises ExportError.
    """
    free(path, force=force, folder_with=folder_with)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (scratch_folder_for(path) if folder_with else scratch_for(path)) as scratch:
            yield scratch
            _flush(scratch)
    except OSError as error:
        raise ExportError(f"can't write {path}: {error.strerror or error}",
                          hint="free some disk space, or write to another place") from error


def free(path: Path, *, force: bool = False, folder_with: str = "") -> None:
    """Raise ExportError if a path can't be written or replaced; called before anything that takes long."""
    if not path.name:
        raise ExportError(f"{path} is no name for a file", hint="for example: --to encode.onnx")
    if not path.exists() and not path.is_symlink():
        return
    if path.is_dir() and not folder_with:
        raise ExportError(f"{path} is a folder", hint="give the name of a file")
    if not path.is_dir() and folder_with:
        raise ExportError(f"{path} is a file, and the export is a folder")
    if path.is_dir() and any(path.iterdir()) and not (path / folder_with).is_file():
        raise ExportError(f"the folder {path} has other files, and is not replaced", hint="give a new or empty folder")
    if not force and not (path.is_dir() and not any(path.iterdir())):
        raise ExportError(f"{path} is there already", hint="replace it with --force, or write to another place")


def _flush(scratch: Path) -> None:
    """Flush the written files to the disk."""
    if os.name == "nt":                            # which flushes no folders, and files only while they are written
        return
    for file in sorted(scratch.rglob("*")) if scratch.is_dir() else [scratch]:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
