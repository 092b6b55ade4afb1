"""Reading of files that may be anything: regular files alone, no more of them than expected, without waiting."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

NO_WAIT = getattr(os, "O_NONBLOCK", 0)             # for the other end of a pipe; Windows has no such files
LARGEST_NUMBER = 1 << 63                           # of the whole numbers in JSON
LONGEST_LINE = 1 << 20                             # bytes
AT_ONCE = 1 << 20

_KINDS = ((stat.S_ISDIR, "folder"), (stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"), (stat.S_ISCHR, "device"),
          (stat.S_ISBLK, "device"))


def kind_of(mode: int) -> str:
    """Return what a file's mode says that it is, if it is no regular file: `pipe`, `device`, ...; else nothing."""
    return "" if stat.S_ISREG(mode) else next((name for test, name in _KINDS if test(mode)), "special file")


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file to read its bytes; a pipe or a device is refused at once, and not waited for.

    Raises OSError.

    >>> from pathlib import Path
    >>> _ = Path("four.bin").write_bytes(b"four")
    >>> import unbraid
    >>> with unbraid.open_file(Path("four.bin")) as file:
    ...     file.read()
    b'four'
    """
    descriptor = os.open(path, os.O_RDONLY | NO_WAIT)
    try:
        if kind := kind_of(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, f"it is a {kind}, not a file", str(path))
        file = os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
    with file:
        yield file


def read_whole(path: Path, most: int) -> bytes:
    """Read a regular file of at most `most` bytes.  Raises OSError, also where it is larger or no regular file.

    >>> _ = Path("four.bin").write_bytes(b"four")
    >>> read_whole(Path("four.bin"), 1 << 20)
    b'four'
    """
    with open_file(path) as file:
        content = file.read(min(os.fstat(file.fileno()).st_size, most) + 1)      # as much memory as it has bytes
        while len(content) <= most and (block := file.read(min(AT_ONCE, most + 1 - len(content)))):
            content += block                       # it has grown, or its size is not told
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {size_text(most)}", str(path))
    return content


def read_text(path: Path, most: int) -> str:
    """Read a text file (UTF-8) of at most `most` bytes.  Raises OSError, ValueError."""
    return read_whole(path, most).decode()


def read_json(path: Path, most: int) -> Any:
    """Read a JSON file of at most `most` bytes.  Raises OSError, ValueError."""
    return parse_json(read_whole(path, most))


def parse_json(text: str | bytes) -> Any:
    """Parse JSON.

    Raises ValueError, also for a name that stands twice in one map, for whole numbers that 64 bits do not hold, and for
    deep nesting.
    """
    try:
        return json.loads(text, parse_int=_whole_number, object_pairs_hook=_without_doubles)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_lines(path: Path, every: int = 1) -> Iterator[bytes]:
    """Yield the lines of a regular file, or one of `every`, without those of more than 1 MiB.  Raises OSError."""
    with open_file(path) as file:
        if every > 1:
            yield from _some_lines(file, every)
        begins = True
        while line := file.readline(LONGEST_LINE):
            ends = line.endswith(b"\n") or len(line) < LONGEST_LINE
            if begins and ends:
                yield line
            begins = ends


def _some_lines(file: BinaryIO, every: int) -> Iterator[bytes]:
    """Yield one line of `every`; millions of lines are cut in large pieces, which takes a tenth of the time."""
    rest, number = b"", 0
    while block := file.read(LONGEST_LINE):
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        yield from (line for line in lines[-number % every::every] if len(line) < LONGEST_LINE)
        number += len(lines)
        rest = rest if len(rest) < LONGEST_LINE else b""             # the end of a long line is no JSON
    if rest and number % every == 0:
        yield rest


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it has {next(n for n in names if names.count(n) > 1)!r:.100} twice")
    return found


def _whole_number(digits: str) -> int:
    number = int(digits) if len(digits) <= 20 else LARGEST_NUMBER
    if not -LARGEST_NUMBER <= number < LARGEST_NUMBER:
        raise ValueError(f"the number {digits[:8]}... of {len(digits)} digits is too large")
    return number


def size_text(count: float) -> str:
    """Return a number of bytes as people read it: `1.5 MiB`."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count:.0f} bytes"
