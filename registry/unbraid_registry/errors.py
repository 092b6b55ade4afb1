"""The one error that a user can cause."""

from __future__ import annotations


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
