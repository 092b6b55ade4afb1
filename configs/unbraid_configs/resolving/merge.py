"""Merging of a child recipe over its `base:`: maps merge, lists and scalars replace, `name: null` removes.

A block whose `type` changes is replaced as a whole. The lines of the flow merge by the names that they define,
functions by their names.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from unbraid_configs import Mistake, Optimizer
from unbraid_configs.expressions import read_signature, split_names
from unbraid_configs.reading import Node
from unbraid_configs.resolving.sections import entry_noun
from unbraid_registry import closest

Path = tuple[str, ...]
SameType = Callable[[str, str], bool]
EMPTY = Node({})


@attrs.define
class Merger:
    """A merger of expanded trees.  same_type: tests whether two values of `type:` name the same component."""

    mistakes: list[Mistake]
    same_type: SameType = lambda a, b: a == b

    def merge(self, parent: Node, child: Node, path: Path = ()) -> Node:
        """Merge the child over the parent."""
        if not child.is_map:
            return child
        if child.style == "broken":
            return parent if parent.is_map and parent.value else child
        if not parent.is_map or parent.style == "broken" or self._type_changes(parent, child, path):
            parent = EMPTY
        if path == ("flow",):
            entries = self._lines(parent, child)
        elif path == ("functions",):
            entries = self._functions(parent, child)
        else:
            entries = self._entries(self._without_other_source(parent, child, path), child, path)
        return child.with_value(entries)

    def _type_changes(self, parent: Node, child: Node, path: Path) -> bool:
        if entry_noun(path) or path[-1:] == ("where",):     # there, `type` is a name like any other
            return False
        old, new = parent.get("type"), child.get("type")
        if not old and parent.value and path[-1:] == ("optimizer",):
            old = Node(Optimizer().type)
        if not new or not (old or parent.get("from")):
            return False
        return not (old and isinstance(old.value, str) and isinstance(new.value, str)
                    and (old.value == new.value or self.same_type(old.value, new.value)))

    def _without_other_source(self, parent: Node, child: Node, path: Path) -> Node:
        """Remove the parent's `sources:` where the child has a `source:`, and the reverse; cuts of other splits too."""
        other = {"source": "sources", "sources": "source"}
        if path != ("data",):
            return parent
        gone = {other[key] for key in other if key in child.value}
        if {"splits", "split_by"} & child.value.keys():
            gone.add("split_at")
        return parent.with_value({key: node for key, node in parent.items() if key not in gone})

    def _entries(self, parent: Node, child: Node, path: Path) -> dict[str, Node]:
        entries = dict(parent.value)
        noun = entry_noun(path)
        for key, node in child.items():
            if noun and node.is_null:
                self._remove(entries, key, node, key in entries, entries, path)
            elif path == () and node.is_null:       # a section left empty, or taken out
                if not node.is_missing:
                    entries.pop(key, None)
            else:
                entries[key] = self.merge(entries.get(key, EMPTY), node, (*path, key))
        return entries

    def _remove(self, entries: dict[str, Node], key: str, node: Node, known: bool, names: object,
                path: Path) -> None:
        where = ".".join((*path, key))
        noun = entry_noun(path)
        if node.is_missing:
            hint = f"write `{key}: {{}}` for any image" if path == ("data", "draw") else "write it after the colon"
            self.mistakes.append(Mistake(node.name_place, where, f"the {noun} {key!r} has no value", hint))
        elif known:
            entries.pop(key, None)
        else:
            near = closest(key, list(names))        # type: ignore[call-overload]
            self.mistakes.append(Mistake(node.name_place, where,
                                         f"null removes a {noun} of the base, but there is no {key!r}", near))

    def _lines(self, parent: Node, child: Node) -> dict[str, Node]:
        redefined = {name: node for key, node in child.items() for name in _names(key)}
        lines: dict[str, Node] = {}
        slots: dict[str, str] = {}                  # name -> the parent's line that defined it
        for key, node in parent.items():
            names = _names(key)
            touched = [name for name in names if name in redefined]
            if touched and len(touched) < len(names):
                other = redefined[touched[0]]
                left = [name for name in names if name not in redefined]
                self.mistakes.append(Mistake(
                    other.name_place, f"flow.{touched[0]}",
                    f"the base defines {key!r} in one line ({node.name_place}); {_quoted(left)} would be lost",
                    f"redefine the whole line `{key}: ...`, or also {_quoted(left)}"))
            if touched:
                slots |= dict.fromkeys(names, key)
            lines[key] = node
        placed: dict[str, list[tuple[str, Node]]] = {}
        new: list[tuple[str, Node]] = []
        for key, node in child.items():
            if node.is_null:
                known = set(_names(key)) <= set(slots)
                self._remove({}, key, node, known, lines, ("flow",))
                continue
            slot = next((slots[name] for name in _names(key) if name in slots), None)
            (placed.setdefault(slot, []) if slot else new).append((key, node))
        merged: dict[str, Node] = {}
        for key, node in lines.items():
            if key in slots.values():
                merged |= dict(placed.get(key, []))
            else:
                merged[key] = node
        return merged | dict(new)

    def _functions(self, parent: Node, child: Node) -> dict[str, Node]:
        new = {_function_name(key): (key, node) for key, node in child.items()}
        old = {_function_name(key): key for key in parent.value}
        merged: dict[str, Node] = {}
        for key, node in parent.items():
            name = _function_name(key)
            if name not in new:
                merged[key] = node
            elif not new[name][1].is_null:
                merged |= dict([new[name]])
        for name, (key, node) in new.items():
            if node.is_null:
                self._remove({}, name, node, name in old, old, ("functions",))
            elif name not in old:
                merged[key] = node
        return merged


def _names(key: str) -> list[str]:
    return [name.text for name in split_names(key, EMPTY.place)]


def _function_name(key: str) -> str:
    signature = read_signature(key, EMPTY.place)
    return signature.name.text if signature else key


def _quoted(names: list[str]) -> str:
    return ", ".join(map(repr, names))
