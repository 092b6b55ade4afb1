"""Environment variables of a recipe: they stand in paths, and stay there as they are written."""

from __future__ import annotations

import attrs

from unbraid_configs import Mistake
from unbraid_configs.reading import Node
from unbraid_configs.resolving.sections import is_expression
from unbraid_configs.variables import PLACES, VARIABLE, PathText


def check_variables(node: Node, mistakes: list[Mistake], path: tuple[str, ...] = (), *, keep_unset: bool = False
                    ) -> Node:
    """Mark paths that have variables, and check those; elsewhere `$${NAME}` stands for the text `${NAME}`.

    keep_unset: a variable that is not set is no mistake.
    """
    if node.is_map:
        return node.with_value({key: check_variables(item, mistakes, (*path, key), keep_unset=keep_unset)
                                for key, item in node.value.items()})
    if node.is_list:
        return node.with_value([check_variables(item, mistakes, path, keep_unset=keep_unset) for item in node.value])
    if not isinstance(node.value, str) or "${" not in node.value or is_expression(path):
        return node
    if is_place(path):
        place = PathText(node.value)
        mistakes += [Mistake(node.place, ".".join(path), *fault) for fault in place.faults(keep_unset=keep_unset)]
        return node.with_value(place)
    if path not in (("title",), ("paper",)):
        mistakes += [Mistake(node.place, ".".join(path), f"{found[0]} stands where no environment variable is read",
                             f"they stand in paths ({', '.join(PLACES)}); write ${found[0]} where the text is meant, "
                             f"or let the shell read it: {'.'.join(path)}={found[0]}")
                     for found in VARIABLE.finditer(node.value) if not found[1]]
    text = VARIABLE.sub(lambda found: found[0][1:] if found[1] else found[0], node.value)
    return attrs.evolve(node, value=text, text=text) if text != node.value else node


def is_place(path: tuple[str, ...]) -> bool:
    """Return whether a path stands at this place of a recipe: in an option of a source or a network."""
    return path[-1] in PLACES and (path[0] == "networks" or path[:2] in (("data", "source"), ("data", "sources")))
