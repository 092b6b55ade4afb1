"""Expansion of the shorthands of one file, before files are merged: one entry per name, one spelling per key."""

from __future__ import annotations

import attrs

from unbraid_configs import Mistake
from unbraid_configs.expressions import KeyName, check_name, check_signature, read_signature, split_names
from unbraid_configs.reading import Node
from unbraid_configs.resolving.sections import entry_noun


def expand(tree: Node, mistakes: list[Mistake]) -> Node:
    """Expand `x1, x2: {}` to two draws, `b , a` to the flow line `b, a`, `decode( f )` to the function `decode(f)`."""
    if not tree.is_map:
        return tree
    entries: dict[str, Node] = {}
    for key, node in tree.value.items():
        if key == "data" and node.is_map:
            node = _data(node, mistakes)
        elif key == "networks":
            node = _each_name(node, key, mistakes)
        elif key == "flow":
            node = _lines(node, mistakes)
        elif key == "functions":
            node = _functions(node, mistakes)
        elif entry_noun((key,)) == "weight":
            node = _each_name(node, key, mistakes)
        entries[key] = node
    return tree.with_value(entries)


def _data(data: Node, mistakes: list[Mistake]) -> Node:
    draw, one, several = data.get("draw"), data.get("source"), data.get("sources")
    if draw:
        data = data.with_entry("draw", _each_name(draw, "data.draw", mistakes))
    if one and several:
        mistakes.append(Mistake(several.name_place, "data.sources", "`source` and `sources` exclude each other",
                                "name every source under `sources`"))
        data = data.with_value({key: node for key, node in data.value.items() if key != "source"})
    return data


def _each_name(section: Node, path: str, mistakes: list[Mistake]) -> Node:
    if not section.is_map or section.style == "broken":
        return section
    entries: dict[str, Node] = {}
    for key, node in section.items():
        for name in split_names(key, node.name_place):
            mistakes += check_name(name, f"{path}.{name.text}" if name.text else path)
            if name.text in entries:
                mistakes.append(_twice(name, entries[name.text], path))
                continue
            entries[name.text] = attrs.evolve(node, key=name.place)
    return section.with_value(entries)


def _twice(name: KeyName, first: Node, path: str) -> Mistake:
    return Mistake(name.place, f"{path}.{name.text}", f"{name.text!r} is defined a second time",
                   f"the first is at {first.name_place}" if first.name_place.line else "")


def _lines(flow: Node, mistakes: list[Mistake]) -> Node:
    if not flow.is_map or flow.style == "broken":
        return flow
    lines: dict[str, Node] = {}
    owners: dict[str, Node] = {}
    for key, node in flow.items():
        names = split_names(key.strip().removeprefix("(").removesuffix(")"), node.name_place)
        for name in names:
            mistakes += check_name(name, f"flow.{name.text}" if name.text else "flow")
            if name.text in owners:
                mistakes.append(_twice(name, owners[name.text], "flow"))
            owners.setdefault(name.text, attrs.evolve(node, key=name.place))
        lines.setdefault(", ".join(name.text for name in names), node)
    return flow.with_value(lines)


def _functions(functions: Node, mistakes: list[Mistake]) -> Node:
    if not functions.is_map or functions.style == "broken":
        return functions
    entries: dict[str, Node] = {}
    owners: dict[str, Node] = {}
    for key, node in functions.items():
        signature = read_signature(key, node.name_place)
        if signature is None:
            mistakes.append(Mistake(node.name_place, "functions", f"{key!r} is not the head of a function",
                                    "write its name and its parameters: `decode(f): ...`"))
            continue
        path = f"functions.{signature.name.text}"
        mistakes += check_signature(signature, path)
        if signature.parameters is None and not node.is_null:
            mistakes.append(Mistake(node.name_place, path, "the parameters are missing",
                                    f"write `{signature.name.text}(x): ...`"))
        if signature.name.text in owners:
            mistakes.append(_twice(signature.name, owners[signature.name.text], "functions"))
            continue
        owners[signature.name.text] = node
        entries[str(signature)] = node
    return functions.with_value(entries)
