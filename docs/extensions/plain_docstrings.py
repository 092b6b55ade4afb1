"""Our docstrings are plain text with `names` in single backticks; this makes reStructuredText of them for autodoc."""

from __future__ import annotations

import re
from typing import Any


def setup(app: Any) -> dict[str, bool]:
    """Connect to autodoc."""
    app.connect("autodoc-process-docstring", _process)
    return {"parallel_read_safe": True}


def _process(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = restructured(lines)


def restructured(lines: list[str]) -> list[str]:
    """The lines as reStructuredText: code in double backticks, indented blocks literal, everything else as it is."""
    result: list[str] = []
    literal = False                                # inside an indented block, or inside a doctest
    for line in lines:
        indented = line.startswith("    ")
        if line.startswith(">>>") or (literal and line and not indented and result and result[-1].startswith(">>>")):
            literal = True
            result.append(line)
            continue
        if literal and not line:
            literal = False
        if indented and not literal and (not result or not result[-1]):
            result += ["::", ""]
            literal = True
        result.append(line if literal else _escaped(line))
        if not indented and line:
            literal = literal and bool(result and result[-1].startswith(">>>"))
    return result


def _escaped(line: str) -> str:
    pieces = re.split(r"(`[^`]+`)", line)
    return "".join(f"`{p}`" if p.startswith("`") and p.endswith("`") and len(p) > 2 else
                   re.sub(r"([\\*|`])|(?<=\w)_(?!\w)", lambda m: "\\" + m[0], p) for p in pieces)
