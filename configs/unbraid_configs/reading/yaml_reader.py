"""Reader of YAML 1.2 into a raw tree, from the parser's events, so that every scalar keeps its source and its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import attrs

from unbraid_configs import Mistake, Place, RecipeError
from unbraid_configs.reading import yaml_pitfalls as pitfalls
from unbraid_configs.reading.nodes import Node
from unbraid_configs.reading.scalars import read_scalar

_BRACKET = re.compile(r"[\[\]{}]")
DEEPEST = 50                                        # maps within maps
MOST_VALUES, MOST_NAMES = 20_000, 5_000             # in one file
MOST_OPEN = 200                                     # brackets at once, those in texts and comments included


def read_yaml(text: str, name: str, mistakes: list[Mistake]) -> Node:
    """Read a YAML document into a tree: an empty map where the document is empty."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if where := _too_deep(text):                   # its time grows with the square of the open brackets
        place = Place(name, text.count("\n", 0, where) + 1, where - text.rfind("\n", 0, where))
        raise RecipeError([*mistakes, Mistake(place, "", f"more than {MOST_OPEN} brackets are open here")])
    events = YAML(typ="safe", pure=True).parse(text)
    try:
        return _Builder(text, name, mistakes, iter(events)).document()
    except MarkedYAMLError as error:
        found = pitfalls.explain(error, text, name)
        raise RecipeError([*(m for m in mistakes if m.place.line != found.place.line), found]) from None
    except (YAMLError, ValueError, RecursionError, IndexError, AttributeError, TypeError) as error:
        raise RecipeError([*mistakes, pitfalls.unreadable(error, text, name)]) from None


def _too_deep(text: str) -> int:
    """Return the place of the bracket that is one too many; 0 where none is."""
    depth = 0
    for found in _BRACKET.finditer(text):
        depth = depth + 1 if found[0] in "[{" else max(0, depth - 1)
        if depth > MOST_OPEN:
            return found.start()
    return 0


@attrs.define
class _Builder:
    """A builder of nodes from ruamel's events.  It refuses aliases, so that no tree grows larger than its text."""

    source: str
    file: str
    mistakes: list[Mistake]
    events: Iterator[Any]
    values: int = 0
    names: int = 0

    def document(self) -> Node:
        root = None
        for event in self.events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent" and root is not None:
                raise RecipeError([*self.mistakes, Mistake(
                    self.place(event), "", "a second document begins here", "a recipe is one document; remove `---`")])
            if kind in ("ScalarEvent", "AliasEvent", "MappingStartEvent", "SequenceStartEvent"):
                root = self.node(event, None, 0)
        if root is None or root.is_missing:
            return Node({}, Place(self.file))
        return root

    def refuse(self, place: Place, message: str) -> NoReturn:
        raise RecipeError([*self.mistakes, Mistake(place, "", message)])

    def place(self, event: Any) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def node(self, event: Any, key: Place | None, depth: int, in_braces: bool = False) -> Node:
        place = self.place(event)
        if depth > DEEPEST:
            self.refuse(place, f"more than {DEEPEST} levels of nesting")
        self.values += 1
        if self.values > MOST_VALUES:
            self.refuse(place, f"more than {MOST_VALUES} values, which no recipe has")
        kind = type(event).__name__
        node = self.bare_node(event, kind, place, key, depth)
        wrong = pitfalls.forbidden(self.source, event, kind)
        if wrong:
            self.mistakes.append(Mistake(place, "", *wrong))
            return attrs.evolve(node, style="broken")
        if in_braces and kind == "ScalarEvent" and not event.style and pitfalls.is_cut(event.value):
            return attrs.evolve(node, style="cut")
        return node

    def bare_node(self, event: Any, kind: str, place: Place, key: Place | None, depth: int) -> Node:
        if kind == "MappingStartEvent":
            return self.mapping(event, place, key, depth)
        if kind == "SequenceStartEvent":
            return self.sequence(event, place, key, depth)
        if kind == "AliasEvent":
            return Node(f"*{event.anchor}", place, key, style="broken")
        return self.scalar(event, place, key)

    def scalar(self, event: Any, place: Place, key: Place | None) -> Node:
        text = self.source[event.start_mark.index:event.end_mark.index]
        if event.style in ("|", ">"):
            return Node(event.value, place, key, event.value, event.style)
        if event.style:
            escaped = "\\" in text if event.style == '"' else "''" in text
            return Node(event.value, place, key, event.value if escaped else text[1:-1], event.style)
        try:
            return Node(read_scalar(event.value), place, key, text, "plain")
        except ValueError as error:
            self.mistakes.append(Mistake(place, "", str(error)))
            return Node(event.value, place, key, text, "broken")

    def sequence(self, start: Any, place: Place, key: Place | None, depth: int) -> Node:
        items = []
        while type(event := next(self.events)).__name__ != "SequenceEndEvent":
            items.append(self.node(event, None, depth + 1, start.flow_style))
        cut = [item for item in items if item.style == "cut"]
        if cut:
            self.mistakes.append(Mistake(cut[0].place, "", *pitfalls.cut_value("[ ]")))
        return Node(items, place, key, style="broken" if cut else "")

    def mapping(self, start: Any, place: Place, key: Place | None, depth: int) -> Node:
        entries: dict[str, Node] = {}
        cut: Place | None = None
        bare: Place | None = None
        while type(event := next(self.events)).__name__ != "MappingEndEvent":
            name, name_place = self.name(event, depth, start.flow_style)
            following = next(self.events)
            node = self.node(following, name_place, depth + 1, start.flow_style)
            if start.flow_style and pitfalls.is_cut(name):
                cut = cut or name_place
            if node.style == "cut":
                cut = cut or node.place
            if start.flow_style and node.is_missing and not bare:
                bare = name_place
            if name in entries:
                first = entries[name].name_place
                self.mistakes.append(Mistake(name_place, "", f"{name!r} stands here a second time",
                                             f"the first is on line {first.line}"))
            else:
                entries[name] = node
        torn = cut or bare
        if torn:
            pitfall = pitfalls.cut_value("{ }") if cut else pitfalls.bare_name()
            self.mistakes.append(Mistake(torn, "", *pitfall))
            return Node(entries, place, key, style="broken")
        return Node(entries, place, key)

    def name(self, event: Any, depth: int, in_braces: bool) -> tuple[str, Place]:
        place = self.place(event)
        self.names += 1
        if self.names > MOST_NAMES:
            self.refuse(place, f"more than {MOST_NAMES} names, which no recipe has")
        if type(event).__name__ != "ScalarEvent":
            self.node(event, None, depth + 1)
            self.mistakes.append(Mistake(place, "", "a name cannot be a list, a map or an alias",
                                         "write it as plain text or in quotes"))
            return "", place
        wrong = pitfalls.forbidden(self.source, event, "ScalarEvent") or pitfalls.forbidden_name(event.value)
        if wrong:
            self.mistakes.append(Mistake(place, "", *wrong))
        return event.value, Place(self.file, place.line, place.column + 1) if event.style else place
