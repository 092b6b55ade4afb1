"""The one error that a user can cause."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UnbraidError(Exception):
    """Something a user can put right: what is wrong, where, and what to do next.

    The command line prints it without a traceback and exits with code 2.
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


def one_line(error: BaseException) -> str:
    """An exception in one line: `ImportError: no moderngl`."""
    if isinstance(error, UnbraidError):
        text = error.message
    else:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:297] + "..."


def closest(name: str, names: Iterable[object]) -> str:
    """`did you mean 'cycle'?`, or nothing where no name is near.

    >>> closest("cycel", ["cycle", "realism"])
    "did you mean 'cycle'?"
    """
    near = nearest(name, names)
    return f"did you mean {near!r}?" if near else ""


def nearest(name: str, names: Iterable[object], cutoff: float = 0.6) -> str:
    """The name that is most like one that was written, or nothing where none is near."""
    return next(iter(get_close_matches(name, [str(n) for n in names], 1, cutoff)), "")
