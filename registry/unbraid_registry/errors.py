"""The base class of all errors that a user can fix, and helpers for messages."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UnbraidError(Exception):
    """An error that the user can fix.  message: the problem and its place.  hint: the next thing to do.

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
    """Return an exception as one line: `ImportError: no moderngl`."""
    if isinstance(error, UnbraidError):
        text = error.message
    else:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:297] + "..."


def closest(name: str, names: Iterable[object]) -> str:
    """Return `did you mean 'cycle'?`, or an empty text where no name is similar.

    >>> closest("cycel", ["cycle", "realism"])
    "did you mean 'cycle'?"
    """
    near = nearest(name, names)
    return f"did you mean {near!r}?" if near else ""


def nearest(name: str, names: Iterable[object], cutoff: float = 0.6) -> str:
    """Return the one of `names` that is most similar to `name`, or an empty text where no name is similar."""
    return next(iter(get_close_matches(name, [str(n) for n in names], 1, cutoff)), "")
