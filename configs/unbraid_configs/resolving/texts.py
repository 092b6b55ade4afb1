"""Check of a recipe's texts: no control characters, and none that change the direction of a text."""

from __future__ import annotations

import unicodedata

from unbraid_configs import Mistake, Place
from unbraid_configs.reading import Node
from unbraid_registry.terminal import OBEYED

ONE_LINE = (("title",), ("paper",))


def check_texts(tree: Node) -> list[Mistake]:
    """Return a mistake for every text and name with a control character; a title is one line."""
    found: list[Mistake] = []
    for path, node in tree.walk():
        for key, item in node.items():
            found += _problems(key, item.name_place, (*path, key), "name", one_line=True)
        if isinstance(node.value, str):
            found += _problems(node.value, node.place, path, "text", one_line=path in ONE_LINE)
    return found


def _problems(text: str, place: Place, path: tuple[str, ...], what: str, *, one_line: bool) -> list[Mistake]:
    wrong = next((c for c in text if OBEYED.match(c) or (one_line and c in "\n\t")), None)
    if wrong is None:
        return []
    if wrong in "\n\t" and what == "text":
        return [Mistake(place, ".".join(path), "a title is one line", "put it on one line, or write `>-` before it")]
    name = unicodedata.name(wrong, "a control character").lower()
    return [Mistake(place, ".".join(path), f"U+{ord(wrong):04X} ({name}) stands in this {what}", "remove it")]
