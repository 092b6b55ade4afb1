"""What is wrong with a node of the tree: raised by the strict converter, gathered on the way up."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from unbraid_configs import Mistake
from unbraid_configs.reading import Node


class Invalid(Exception):
    """What is wrong with a node.  No mistakes: they were told before, when the file was read."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        super().__init__()
        self.mistakes = list(mistakes)

    def under(self, key: str) -> list[Mistake]:
        """The mistakes as seen from the map above."""
        dots = {m: "." if m.path and m.path[0] != "[" else "" for m in self.mistakes}
        return [attrs.evolve(m, path=f"{key}{dots[m]}{m.path}") for m in self.mistakes]


def wrong(node: Node, message: str, hint: str = "", *, at_name: bool = False) -> Invalid:
    """One mistake in a node."""
    if node.style in ("broken", "cut"):
        return Invalid([])
    return Invalid([Mistake(node.name_place if at_name else node.place, "", message, hint)])
