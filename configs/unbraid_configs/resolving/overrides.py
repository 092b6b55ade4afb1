"""Overrides `a.b.c=value`: changes to the raw tree before it is checked.

An override is a child recipe with one entry, so it merges as a child does. The entry must exist, so that a typing error
adds nothing; the exceptions are in `_GROWS` and `_GROWS_WHOLE`.
"""

from __future__ import annotations

import re

import attrs

from unbraid_configs import Mistake
from unbraid_configs.expressions import read_signature, split_names
from unbraid_configs.reading import OVERRIDE, Node, read_override
from unbraid_configs.resolving.merge import EMPTY, Merger
from unbraid_configs.resolving.sections import entry_noun
from unbraid_configs.resolving.shorthands import expand
from unbraid_registry import closest

_GROWS = {"requirement", "watched value", "split"}          # may get new names: here a typing error shows
_GROWS_WHOLE = {"network", "player", "draw", "source"}      # may get a new name with a whole map


def override(tree: Node, text: str, merger: Merger) -> Node:
    """Apply one override and return the tree; mistakes go to the merger's list."""
    mistakes = merger.mistakes
    path_text, equals, value_text = text.partition("=")
    keys = [key.strip() for key in _split_path(path_text)]
    if not equals or not all(keys):
        mistakes.append(Mistake(OVERRIDE, "", f"{text!r} is no override", "write path=value: train.steps=1000"))
        return tree
    found: list[Mistake] = []
    value = read_override(value_text, found)
    if value.is_missing:
        found.append(Mistake(OVERRIDE, "", "nothing stands after `=`", "write null to remove, or '' for an empty text"))
    keys = _single_source(tree, keys)
    child = _child(tree, keys, value, found)
    if found:
        mistakes += [m if m.path else attrs.evolve(m, path=path_text) for m in found]
        return tree
    return merger.merge(tree, expand(child, mistakes))


def _split_path(text: str) -> list[str]:
    """Split a path at dots, but not within the parentheses of a function's head."""
    return re.split(r"\.(?![^(]*\))", text.strip())


def _single_source(tree: Node, keys: list[str]) -> list[str]:
    """Choose between `data.source` and `data.sources.source`, two names of a recipe's only source."""
    data = tree.get("data")
    several = data.get("sources") if data else None
    if keys[:3] == ["data", "sources", "source"] and data and data.get("source"):
        return ["data", "source", *keys[3:]]
    if keys[:2] == ["data", "source"] and several and len(keys) > 2:
        names = list(several.value) if several.is_map else []
        return ["data", "sources", *(names if len(names) == 1 else ["source"]), *keys[2:]]
    return keys


def _child(tree: Node, keys: list[str], value: Node, mistakes: list[Mistake]) -> Node:
    """Build a tree with the one entry; check each key on the way down."""
    node: Node | None = tree
    path: tuple[str, ...] = ()
    for index, key in enumerate(keys):
        if node is not None and not node.is_map:
            what = "a list; give it whole" if node.is_list else "a single value, without parts"
            mistakes.append(Mistake(OVERRIDE, ".".join(keys), f"{'.'.join(path)} is {what}"))
            break
        noun = entry_noun(path)
        if noun:
            key = _entry(node or EMPTY, key, noun, value if index == len(keys) - 1 else None, keys, mistakes)
            keys[index] = key
        node = _below(node, key)
        path = (*path, key)
    child = value
    for key in reversed(keys):
        child = Node({key: child}, OVERRIDE, OVERRIDE)
    return child


def _below(node: Node | None, key: str) -> Node | None:
    """Return the node under a key, which may be several names: `critic1, critic2`."""
    if node is None:
        return None
    if node.get(key):
        return node.get(key)
    return node.get(split_names(key, OVERRIDE)[0].text)


def _entry(named: Node, key: str, noun: str, value: Node | None, keys: list[str], mistakes: list[Mistake]) -> str:
    """Return the key of an existing entry as the tree writes it; add a mistake where there is no such entry."""
    if noun == "function":
        heads = {head.name.text: str(head) for k in named.value if (head := read_signature(k, OVERRIDE))}
        head = read_signature(key, OVERRIDE)
        if head and head.parameters is None and head.name.text in heads:
            return heads[head.name.text]
        if head and head.parameters is not None:
            return key
        _unknown(key, noun, heads, keys, mistakes)
        return key
    names = {name.text for k in named.value for name in split_names(k, OVERRIDE)}
    if noun in _GROWS or (noun in _GROWS_WHOLE and value is not None and value.is_map):
        return key
    for name in split_names(key, OVERRIDE):
        if name.text not in names:
            _unknown(name.text, noun, names, keys, mistakes)
    return key


def _unknown(name: str, noun: str, names: object, keys: list[str], mistakes: list[Mistake]) -> None:
    there = sorted(names)                           # type: ignore[call-overload]
    hint = closest(name, there)
    if not hint:
        has = f"there is {', '.join(there[:8])}" if there else "there is none at all"
        hint = f"{has}; a recipe with `base:` can add one"
    mistakes.append(Mistake(OVERRIDE, ".".join(keys), f"the recipe has no {noun} {name!r}", hint))
