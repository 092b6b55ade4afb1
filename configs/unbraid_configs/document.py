"""A recipe file as a raw tree: YAML 1.2 with the place of everything, or TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from unbraid_configs import pitfalls
from unbraid_configs.mistakes import Mistake, RecipeError
from unbraid_configs.recipe import Place
from unbraid_configs.scalars import read_scalar
from unbraid_configs.tree import OVERRIDE, Node, from_python

LARGEST = 1_000_000                                 # bytes
DEEPEST = 50                                        # maps within maps


def read_file(path: Path, mistakes: list[Mistake]) -> Node:
    """The tree of a file; small mistakes are appended, others raise RecipeError."""
    name = display_name(path)
    text = _text(path, name)
    if path.suffix.lower() == ".toml":
        return read_toml(text, name)
    return read_yaml(text, name, mistakes)


def display_name(path: Path) -> str:
    """A path as messages show it: relative where it lies below the working folder."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _text(path: Path, name: str) -> str:
    place = Place(name)
    try:
        if path.is_dir():
            raise RecipeError([Mistake(place, "", "is a folder, not a recipe", _recipe_within(path))])
        if not path.is_file() and path.exists():
            raise RecipeError([Mistake(place, "", "is not a file")])
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RecipeError([Mistake(place, "", f"cannot be read: {reason}")]) from None
    except ValueError as error:                     # a null character in the path
        raise RecipeError([Mistake(place, "", f"is no path: {error}")]) from None
    if len(data) > LARGEST:
        raise RecipeError([Mistake(place, "", "is larger than 1 MB, which no recipe is", "is it a recipe at all?")])
    if b"\0" in data:
        raise RecipeError([Mistake(place, "", "is not text but a binary file", "a recipe is a YAML or TOML file")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[:error.start].decode("utf-8-sig", errors="replace")
        line = before.count("\n") + 1
        place = Place(name, line, len(before) - before.rfind("\n"))
        raise RecipeError([Mistake(place, "", "is not UTF-8 text", "save the file as UTF-8")]) from None


def _recipe_within(folder: Path) -> str:
    inside = folder / "recipe.yaml"
    return f"give the file: {inside}" if inside.is_file() else "give a YAML or TOML file"


def read_toml(text: str, name: str) -> Node:
    """The tree of a TOML document; its places are the file alone, tomllib tells no lines."""
    place = Place(name)
    try:
        return from_python(tomllib.loads(text), place)
    except tomllib.TOMLDecodeError as error:
        message, _, where = str(error).partition(" (at ")
        found = re.match(r"line (\d+), column (\d+)", where)
        if found:
            place = Place(name, int(found[1]), int(found[2]))
        raise RecipeError([Mistake(place, "", f"is not TOML: {message[:1].lower()}{message[1:]}")]) from None
    except ValueError as error:
        raise RecipeError([Mistake(place, "", str(error))]) from None
    except RecursionError:
        raise RecipeError([Mistake(place, "", "is nested too deeply")]) from None


def read_yaml(text: str, name: str, mistakes: list[Mistake]) -> Node:
    """The tree of a YAML document: an empty map where the document is empty."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    events = YAML(typ="safe", pure=True).parse(text)
    try:
        return _Builder(text, name, mistakes, iter(events)).document()
    except MarkedYAMLError as error:
        found = pitfalls.explain(error, text, name)
        raise RecipeError([*(m for m in mistakes if m.place.line != found.place.line), found]) from None
    except (YAMLError, ValueError, RecursionError, IndexError, AttributeError, TypeError) as error:
        raise RecipeError([*mistakes, pitfalls.unreadable(error, text, name)]) from None


def read_override(text: str, mistakes: list[Mistake]) -> Node:
    """The value of an override, parsed as YAML; every place is '<override>'."""
    found: list[Mistake] = []
    try:
        node = read_yaml(text, OVERRIDE.file, found)
    except RecipeError as error:
        found = error.mistakes
        node = Node("", style="broken")
    mistakes += [attrs.evolve(mistake, place=OVERRIDE) for mistake in found]
    if not text.strip():
        node = Node(None, style="plain")
    return _move(node)


def _move(node: Node) -> Node:
    value = node.value
    if isinstance(value, dict):
        value = {key: _move(item) for key, item in value.items()}
    elif isinstance(value, list):
        value = [_move(item) for item in value]
    style = node.style if node.style in ("plain", "broken") else ""
    return attrs.evolve(node, value=value, place=OVERRIDE, key=OVERRIDE, style=style)


@attrs.define
class _Builder:
    """Turns ruamel's events into nodes; aliases are refused, so nothing can grow beyond its text."""

    source: str
    file: str
    mistakes: list[Mistake]
    events: Iterator[Any]

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

    def place(self, event: Any) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def node(self, event: Any, key: Place | None, depth: int, in_braces: bool = False) -> Node:
        place = self.place(event)
        if depth > DEEPEST:
            raise RecipeError([*self.mistakes, Mistake(place, "", f"more than {DEEPEST} levels of nesting")])
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
            told = pitfalls.cut_value("{ }") if cut else pitfalls.bare_name()
            self.mistakes.append(Mistake(torn, "", *told))
            return Node(entries, place, key, style="broken")
        return Node(entries, place, key)

    def name(self, event: Any, depth: int, in_braces: bool) -> tuple[str, Place]:
        place = self.place(event)
        if type(event).__name__ != "ScalarEvent":
            self.node(event, None, depth + 1)
            self.mistakes.append(Mistake(place, "", "a name cannot be a list, a map or an alias",
                                         "write it as plain text or in quotes"))
            return "", place
        wrong = pitfalls.forbidden(self.source, event, "ScalarEvent") or pitfalls.forbidden_name(event.value)
        if wrong:
            self.mistakes.append(Mistake(place, "", *wrong))
        return event.value, Place(self.file, place.line, place.column + 1) if event.style else place
