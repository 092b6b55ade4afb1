"""Text for a terminal.  What comes from files is shown without what a terminal would obey: escapes, and bidi controls.

    echo(f"wrote {path}")
    echo(style("ok", fg="green") + f"  {title}")

Everything that is printed goes through `echo`.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, SupportsIndex

# Controls but line feed and tab; marks that change the direction of text, or end a line; halves of characters
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


class Shown(str):
    """Text that a terminal may get as it is.  Text that is added to it is made so first."""

    __slots__ = ()

    def __add__(self, other: str) -> Shown:
        return Shown(str.__add__(self, shown(other)))

    def __radd__(self, other: str) -> Shown:
        return Shown(str.__add__(shown(other), self))

    def __mul__(self, count: SupportsIndex) -> Shown:
        return Shown(str.__mul__(self, count))


def shown(text: object) -> Shown:
    r"""Return a text with its controls as escapes that can be read.

    >>> print(shown("title \x1b]0;gotcha\x07"))
    title \x1b]0;gotcha\x07
    """
    return text if isinstance(text, Shown) else Shown(OBEYED.sub(_escaped, str(text)))


def shown_line(text: object) -> Shown:
    """Return a text as `shown` does, on one line."""
    return Shown(re.sub(r"[\n\t]", _escaped, shown(text)))


def _escaped(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]


def style(text: object, **styles: Any) -> Shown:
    """Return a text in click's styles: fg="green", bold=True, dim=True."""
    import click

    return Shown(click.style(shown(text), **styles))


def lines(texts: Any) -> Shown:
    """Join lines, each of which may have styles."""
    return Shown("\n".join(map(shown, texts)))


def open_streams() -> None:
    """Open stdin, stdout and stderr to nowhere where the process began without them, as services may.

    Else the next file that is opened takes the number of such a stream, and gets what libraries print.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            try:
                os.fstat(number)
            except OSError:
                nowhere = os.open(os.devnull, os.O_RDWR)             # the lowest number that is free
                if nowhere != number:
                    os.dup2(nowhere, number)
                    os.close(nowhere)
            setattr(sys, name, open(os.devnull, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115


_printed = 0                                       # texts that were printed until now


@contextmanager
def begun(what: str, after: float = 0.5) -> Iterator[None]:
    """At a terminal, print `what ...` if nothing else is printed in this many seconds: importing torch takes some."""
    if not sys.stderr.isatty():
        yield
        return
    before = _printed
    timer = threading.Timer(after, lambda: None if _printed > before else echo(f"{what} ...", err=True, dim=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def echo(text: object = "", *, err: bool = False, nl: bool = True, **styles: Any) -> None:
    """Print a text, without what a terminal would obey; styles as of `style`.

    Where stderr takes nothing any more, the text is lost, and no error is raised.
    """
    import click

    global _printed
    _printed += 1
    printed = str.__str__(style(text, **styles) if styles else shown(text))
    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    with suppress(OSError) if err else nullcontext():
        click.echo(printed.encode(encoding, "backslashreplace").decode(encoding), err=err, nl=nl)    # escapes the rest
