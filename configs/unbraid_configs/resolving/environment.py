"""Replacement of `${NAME}` and `${NAME:-default}` in the texts of a recipe."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import attrs

from unbraid_configs import Mistake
from unbraid_configs.reading import Node
from unbraid_configs.resolving.sections import is_expression

_VARIABLE = re.compile(r"(\$?)\$\{([^{}]*)\}")


def expand_environment(node: Node, mistakes: list[Mistake], path: tuple[str, ...] = (),
                       environment: Mapping[str, str] | None = None, *, keep_unset: bool = False) -> Node:
    """Replace environment variables; `$${NAME}` stands for the text `${NAME}`, and expressions stay as they are.

    keep_unset: keep a variable that is not set as it is written, without a mistake.
    """
    environment = os.environ if environment is None else environment
    if node.is_map:
        return node.with_value({
            key: expand_environment(item, mistakes, (*path, key), environment, keep_unset=keep_unset)
            for key, item in node.value.items()})
    if node.is_list:
        return node.with_value([expand_environment(item, mistakes, path, environment, keep_unset=keep_unset)
                                for item in node.value])
    if not isinstance(node.value, str) or "${" not in node.value or is_expression(path):
        return node

    def value_of(found: re.Match[str]) -> str:
        escape, (name, has_default, default) = found[1], found[2].partition(":-")
        if escape:
            return found[0][1:]
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            mistakes.append(Mistake(node.place, ".".join(path), f"{found[0]} names no environment variable",
                                    "write ${NAME}, ${NAME:-default}, or $${...} where the text itself is meant"))
        elif environment.get(name):
            return environment[name]
        elif has_default:
            return default
        elif name in environment:
            return ""
        elif not keep_unset:
            where = ".".join(path)
            hint = f"set it (export {name}=...), override {where}=..., or write ${{{name}:-default}} for a default"
            mistakes.append(Mistake(node.place, where, f"the environment variable {name} is not set", hint))
        return found[0]

    text = _VARIABLE.sub(value_of, node.value)
    return attrs.evolve(node, value=text, text=text) if text != node.value else node


def escape(text: str) -> str:
    """Escape the variables in a text, so that reading it back does not expand them."""
    return _VARIABLE.sub(lambda found: f"${found[0]}", text)
