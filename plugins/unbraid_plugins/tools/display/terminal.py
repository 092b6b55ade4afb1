"""Text with tables: with colours and lines on a terminal, as Markdown of a fixed width elsewhere."""

from __future__ import annotations

import io
import sys
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from unbraid_registry.terminal import Shown, shown

WIDTH = 120


class _Grid(Table):
    """A table whose cells and titles are texts without markup, or rich's own Text with a style."""

    def add_row(self, *cells: Any, **how: Any) -> None:
        super().add_row(*map(_cell, cells), **how)

    def add_column(self, header: Any = "", footer: Any = "", **how: Any) -> None:
        super().add_column(_cell(header), footer, **how)


def _cell(content: Any) -> Any:
    return Text(shown(content)) if isinstance(content, str) else content


class Page:
    """A text to print on; `str` returns it.

    colour: print as on a terminal; None: if stdout is one.
    """

    def __init__(self, colour: bool | None = None) -> None:
        self.colour = sys.stdout.isatty() if colour is None else colour
        self._out = io.StringIO()
        self._console = Console(file=self._out, width=None if self.colour else WIDTH, force_terminal=self.colour,
                                highlight=False, no_color=not self.colour)

    def table(self, between: int = 0) -> Table:
        """Return an empty table in the page's style, to be filled and printed.

        between: spaces between columns, on a terminal.
        """
        if self.colour:
            return _Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, between, 0, 0))
        return _Grid(box=box.MARKDOWN)

    def print(self, what: Any, *, dim: bool = False) -> None:
        """Add a table or a text, neither with markup."""
        self._console.print(_cell(what), style="dim" if dim else None)

    def __str__(self) -> str:
        return Shown("\n".join(line.rstrip() for line in self._out.getvalue().split("\n")).rstrip("\n"))
