"""A lock that lets one process at a time write into a folder."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

from filelock import lock_descriptor

from unbraid_registry.files.links import refuse_foreign
from unbraid_registry.files.reading import open_file
from unbraid_registry.files.system import reason, remedy
from unbraid_registry.files.writing import FileError, open_to_write

NAME = ".lock"
_made: set[Path] = set()                           # by `new_folder`, and to be removed again where they stay empty


@contextmanager
def locked(folder: Path, busy: FileError, name: str = NAME) -> Iterator[None]:
    """Lock a folder, created if missing, while this process writes into it.  name: the file of the lock.

    At the end, an empty folder is removed again, with those of its parents that were created for it.
    Raises `busy` if another process holds the lock, and the same kind of error if the folder can't be written into or
    has a link that leaves it.
    """
    made = [p for p in (folder, *folder.parents) if p in _made or not p.exists()]
    refuse_foreign(folder, type(busy))
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = held.enter_context(open_to_write(folder / name))
        except OSError as error:
            raise type(busy)(f"can't write into {folder}: {reason(error)}",
                             hint=f"{remedy(error)}, or choose another --out") from None
        try:
            if not lock_descriptor(handle.fileno(), blocking=False):
                raise busy
        except OSError as error:
            warnings.warn(f"{folder} can't be locked ({reason(error)}): let no other process write into it",
                          stacklevel=3)            # some network disks know no locks
        try:
            yield
        finally:
            with suppress(OSError):                # not ours to remove, or gone already
                if [p.name for p in folder.iterdir()] == [name]:
                    (folder / name).unlink()
                    folder.rmdir()
                    for parent in made:            # as long as nothing else is in them
                        if parent != folder:
                            parent.rmdir()


def new_folder(name: str, parent: Path = Path("runs")) -> Path:
    """Make the first of runs/NAME, runs/NAME-2, ... that is not there yet, and return it.

    Two processes that call it at once get two folders.  Raises FileError.

    >>> [str(new_folder("first")) for _ in range(2)]
    ['runs/first', 'runs/first-2']
    """
    missing = [p for p in (parent, *parent.parents) if not p.exists()]
    for number in count(1):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        except OSError as error:
            if isinstance(error, FileExistsError) and parent.is_dir():
                continue
            raise FileError(f"can't make the folder {folder}: {reason(error)}",
                            hint=f"{remedy(error)}, or choose a folder with --out") from None
        _made.update((folder, *missing))
        break
    return folder


def is_free(folder: Path, name: str = NAME) -> bool:
    """Whether no process holds the folder's lock."""
    try:
        with open_file(folder / name) as handle:
            return lock_descriptor(handle.fileno(), blocking=False)
    except OSError:                                # no lock yet, or a disk that knows none
        return True
