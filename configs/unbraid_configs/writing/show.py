"""Writer of a resolved recipe with the origin of each value beside it: file and line, override, or default."""

from __future__ import annotations

from collections.abc import Iterator

from unbraid_configs import Recipe
from unbraid_configs.reading import OVERRIDE, Node, write_scalar
from unbraid_configs.writing.dump import Written, write_recipe

WIDEST = 72                                         # values longer than this do not push the comments to the right


def show_recipe(recipe: Recipe) -> str:
    """Return YAML that loads to the same recipe, with a comment on every line that holds a value."""
    lines = list(_lines(write_recipe(recipe), "", (recipe.tree,)))
    width = max((len(text) for text, origin in lines if origin and len(text) <= WIDEST), default=0)
    return "".join(f"{text:<{width}}  # {origin}\n" if origin else f"{text}\n" for text, origin in lines)


def _lines(written: Written, indent: str, nodes: tuple[Node | None, ...]) -> Iterator[tuple[str, str]]:
    for key, value in written.items():
        below = _below(nodes[-1], key)
        text = f"{indent}{write_scalar(key)}:"
        if isinstance(value, str):
            yield f"{text} {value}", _origin(below)
        elif value:
            yield text, ""
            yield from _lines(value, f"{indent}  ", (*nodes, below))
        else:
            yield f"{text} {{}}", _origin(below)


def origin_of(recipe: Recipe, path: str) -> str:
    """Return the origin of the value at a path of the written recipe: `small.yaml:31`, override or default."""
    node, rest = recipe.tree, path
    while node is not None and rest:               # keys may have dots in them
        parts = rest.split(".")
        heads = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
        key = next((head for head in heads if _below(node, head) is not None), None)
        node, rest = (None, "") if key is None else (_below(node, key), rest[len(key) + 1:])
    return _origin(node)


def _below(node: Node | None, key: str) -> Node | None:
    if node is None:
        return None
    found = node.get(key)
    if found is None and key == "source" and node.get("sources"):
        return node.value["sources"].get("source")  # type: ignore[no-any-return]
    return found


def _origin(node: Node | None) -> str:
    if node is None or (node.is_null and not node.text):
        return "default"
    if node.place == OVERRIDE:
        return "override"
    return f"{node.place.file}:{node.place.line}" if node.place.line else node.place.file
