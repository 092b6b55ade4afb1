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


PARAMETER = re.compile(r"([a-z_]\w*(?:, [a-z_]\w*)*): (.*)")


def listed(lines: list[str]) -> list[str]:
    """The lines with parameters, one a line, as a list: `name: what it is` with lines below that are moved in."""
    result: list[str] = []
    inside = False
    for number, line in enumerate(lines):
        found, after = PARAMETER.fullmatch(line), lines[number + 1] if number + 1 < len(lines) else ""
        several = found and (inside or PARAMETER.fullmatch(after) or after.startswith("    "))
        if found and several:
            if result and result[-1] and not inside:
                result.append("")
            result.append(f"* **{found[1]}**: {found[2]}")
            inside = True
        elif inside and line.startswith("    "):
            result.append(f"  {line.strip()}")
        else:
            result += [""] if inside and line else []
            result.append(line)
            inside = False
    return result


def restructured(lines: list[str]) -> list[str]:
    """The lines as reStructuredText: code in double backticks, indented blocks literal, everything else as it is."""
    lines = listed(lines)
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
    if line.startswith("* **"):
        head, _, rest = line.partition("**: ")
        return f"{head}**: {_escaped(rest)}"
    pieces = re.split(r"(`[^`]+`)", line)
    return "".join(f"`{p}`" if p.startswith("`") and p.endswith("`") and len(p) > 2 else
                   re.sub(r"([\\*|`])|(?<=\w)_(?!\w)", lambda m: "\\" + m[0], p) for p in pieces)
