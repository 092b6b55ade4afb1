"""The caption of a figure: the networks of each player, the full formula of every loss, and the model's functions."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from unbraid_plugins.tools.figure.diagram import Diagram

LINE, SPACE = 12.5, 6.0                            # the height of a line; the extra space above a player
INDENT = 16.0

Piece = tuple[float, str, bool, int | None]        # x, text, bold, number of the player in whose colour
Width = Callable[[str, bool], float]


@attrs.frozen
class Line:
    """A line of the caption: pieces of text at their x, and the number of the player whose colour precedes them."""

    pieces: tuple[Piece, ...]
    player: int | None = None
    height: float = LINE


def caption(diagram: Diagram, width: float, text_width: Width) -> list[Line]:
    """Return all lines, wrapped to a width in points."""
    lines: list[Line] = []
    for number, rules in enumerate(diagram.players):
        start = INDENT + text_width(rules.player, True) + 8.0
        words = ", ".join(("trains " + ", ".join(rules.trains), *rules.notes))
        for i, text in enumerate(_wrapped(words, width - start, text_width)):
            head: tuple[Piece, ...] = ((INDENT, rules.player, True, number),) if i == 0 else ()
            lines.append(Line((*head, (start, text, False, None)), number if i == 0 else None,
                              LINE + (SPACE if i == 0 and number else 0.0)))
        left = max((text_width(name, True) for name, _ in rules.terms), default=0.0)
        for name, formula in rules.terms:
            for i, text in enumerate(_wrapped(formula, width - INDENT - left - 8.0, text_width)):
                head = ((INDENT, name, True, None),) if i == 0 else ()
                lines.append(Line((*head, (INDENT + left + 8.0, text, False, None))))
    if diagram.functions:
        start = INDENT + text_width("offers", True) + 8.0
        for i, text in enumerate(_wrapped("     ".join(diagram.functions), width - start, text_width, "     ")):
            head = ((INDENT, "offers", True, None),) if i == 0 else ()
            lines.append(Line((*head, (start, text, False, None)), None, LINE + (SPACE if i == 0 else 0.0)))
    return lines


def _wrapped(text: str, width: float, text_width: Width, between: str = " ") -> list[str]:
    lines, line = [], ""
    for word in text.split(between):
        longer = f"{line}{between}{word}" if line else word
        if line and text_width(longer, False) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]
