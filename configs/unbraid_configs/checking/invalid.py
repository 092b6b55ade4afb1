"""The exception for mistakes in a node: the strict converter raises it, and collects the mistakes on the way up."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from unbraid_configs import Mistake
from unbraid_configs.reading import Node


class Invalid(Exception):
    """The mistakes in a node.  Empty where they were reported earlier, when the file was read."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        super().__init__()
        self.mistakes = list(mistakes)

    def under(self, key: str) -> list[Mistake]:
        """Return the mistakes with paths that begin with the key of the map above."""
        dots = {m: "." if m.path and m.path[0] != "[" else "" for m in self.mistakes}
        return [attrs.evolve(m, path=f"{key}{dots[m]}{m.path}") for m in self.mistakes]


def wrong(node: Node, message: str, hint: str = "", *, at_name: bool = False) -> Invalid:
    """Return the exception for one mistake in a node; an empty one where the node was reported earlier."""
    if node.style in ("broken", "cut"):
        return Invalid([])
    return Invalid([Mistake(node.name_place if at_name else node.place, "", message, hint)])
