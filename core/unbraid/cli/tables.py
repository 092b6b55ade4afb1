"""Aligned columns of text. On a terminal, lines are cut to its width; in a pipe they stay whole."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

import click


def columns(rows: Sequence[Sequence[str]], titles: Sequence[str] = (), indent: str = "",
            numbers: Sequence[int] = ()) -> str:
    """Align rows of cells in columns.  titles: a dim line above them; numbers: columns that are right-aligned."""
    if not rows:
        return ""
    lines = [list(map(str, row)) for row in ([list(titles)] if titles else []) + [list(r) for r in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    shown = []
    for number, line in enumerate(lines):
        cells = [cell.rjust(widths[i]) if i in numbers else cell.ljust(widths[i]) for i, cell in enumerate(line)]
        text = (indent + "  ".join(cells)).rstrip()
        if room and len(text) > room:
            text = text[:room - 1] + "…"
        shown.append(click.style(text, dim=True) if titles and number == 0 else text)
    return "\n".join(shown)


def indented(text: str, by: str = "  ") -> str:
    """Indent every line of a text."""
    return "\n".join(f"{by}{line}" if line else line for line in text.splitlines())
