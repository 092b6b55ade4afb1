"""Aligned columns of text. On a terminal, lines are cut to its width; in a pipe they stay whole."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from unbraid_registry.terminal import Shown, lines, shown_line, style


def columns(rows: Sequence[Sequence[str]], titles: Sequence[str] = (), indent: str = "",
            numbers: Sequence[int] = ()) -> Shown:
    """Align rows of cells in columns.  titles: a dim line above them; numbers: columns that are right-aligned."""
    if not rows:
        return Shown()
    table = [list(map(shown_line, row)) for row in ([list(titles)] if titles else []) + [list(r) for r in rows]]
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    found = []
    for number, line in enumerate(table):
        cells = [cell.rjust(widths[i]) if i in numbers else cell.ljust(widths[i]) for i, cell in enumerate(line)]
        text = Shown((indent + "  ".join(cells)).rstrip())
        if room and len(text) > room:
            text = Shown(text[:room - 1] + "…")
        found.append(style(text, dim=True) if titles and number == 0 else text)
    return lines(found)


def indented(text: str, by: str = "  ") -> Shown:
    """Indent every line of a text."""
    return lines(f"{by}{line}" if line else line for line in text.split("\n"))
