"""Loading of recipes from a name, a file or Python's own dicts.  It never runs code of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unbraid_configs.checking import assemble
from unbraid_configs.library import Plugins, find_recipe
from unbraid_configs.mistakes import Mistake, RecipeError
from unbraid_configs.reading import PYTHON, Node, display_name, from_python, read_file, read_yaml
from unbraid_configs.recipe import Recipe
from unbraid_configs.resolving import EMPTY, Merger, check_requires, check_texts, check_variables, expand, override
from unbraid_registry import UnbraidError

MOST_BASES = 20                                     # a recipe over a base over a base


def load_recipe(name_or_path: str | Path, overrides: Sequence[str] = (), *, plugins: Plugins | None = None,
                keep_unset: bool = False) -> Recipe:
    """Load and check a recipe, given the name of a bundled or contributed one, or a YAML or TOML file.

    overrides: `a.b.c=value`; a later one wins over an earlier one.
    plugins: the plugins with the components and recipes that can be used; by default all that are installed.
    keep_unset: allow environment variables that are not set, where the recipe's data is not needed.

    Raises RecipeError with every mistake.

    >>> load_recipe("mixing-sprites", ["train.steps=500"]).train.steps
    500
    """
    plugins = plugins or _installed()
    name = str(name_or_path)
    path = name_or_path if isinstance(name_or_path, Path) or Path(name).is_file() else find_recipe(name, plugins)
    mistakes: list[Mistake] = []
    tree = expand(read_file(Path(path), mistakes), mistakes)
    return _finish(tree, Path(path), overrides, plugins, mistakes, keep_unset)


def recipe_from_text(text: str, name: str, overrides: Sequence[str] = (), *, plugins: Plugins | None = None,
                     keep_unset: bool = False) -> Recipe:
    """Load and check a recipe from a text of YAML, as `load_recipe` does.  name: for the places of mistakes."""
    mistakes: list[Mistake] = []
    tree = expand(read_yaml(text, name, mistakes), mistakes)
    return _finish(tree, None, overrides, plugins or _installed(), mistakes, keep_unset)


def make_recipe(mapping: Mapping[Any, Any], overrides: Sequence[str] = (), *, plugins: Plugins | None = None) -> Recipe:
    """Build and check a recipe of nested dicts, lists and scalars.  A `base:` is relative to the working folder.

    >>> make_recipe({"base": "mixing-sprites", "title": "Mine"}).title
    'Mine'
    """
    mistakes: list[Mistake] = []
    try:
        tree = expand(from_python(mapping), mistakes)
    except ValueError as error:
        raise RecipeError([Mistake(PYTHON, "", str(error))]) from None
    return _finish(tree, None, overrides, plugins or _installed(), mistakes)


def _installed() -> Plugins:
    from unbraid_registry import registry

    return registry()


def _finish(tree: Node, file: Path | None, overrides: Sequence[str], plugins: Plugins,
            mistakes: list[Mistake], keep_unset: bool = False) -> Recipe:
    def same_type(old: str, new: str) -> bool:
        try:
            return plugins.catalog.find(old) is plugins.catalog.find(new)
        except UnbraidError:
            return False

    merger = Merger(mistakes, same_type)
    tree = with_bases(tree, [file.resolve()] if file else [], plugins, merger, file.parent if file else Path())
    for text in overrides:
        tree = override(tree, text, merger)
    mistakes += check_texts(tree)
    raise_unmet(tree)
    tree = check_variables(tree, mistakes, keep_unset=keep_unset)
    return assemble(tree, plugins.catalog, mistakes)


def raise_unmet(tree: Node) -> None:
    """Raise RecipeError for the distributions that a recipe requires and that are not installed."""
    if unmet := check_requires(tree):
        raise RecipeError(unmet)


def with_bases(child: Node, chain: list[Path], plugins: Plugins, merger: Merger, folder: Path) -> Node:
    """Merge a recipe over its base, which may itself have one.  chain: the files from the first recipe to this one."""
    base = child.get("base")
    if not child.is_map or base is None:
        return merger.merge(EMPTY, child) if child.is_map else child
    own = child.with_value({key: node for key, node in child.items() if key != "base"})
    if not isinstance(base.value, str) or not base.value.strip():
        merger.mistakes.append(Mistake(base.place, "base", "expected one path or the name of a recipe",
                                       "a recipe has one parent, which may have its own"))
        return merger.merge(EMPTY, own)
    try:
        path = find_recipe(base.value, plugins, beside=folder, place=base.place, path="base")
    except RecipeError:
        raise_unmet(child)                         # the plugin that brings the base may be the one that is missing
        raise
    resolved = path.resolve()
    if resolved in chain:
        circle = [*chain[chain.index(resolved):], resolved]
        raise RecipeError([Mistake(base.place, "base", "the recipes go round in a circle: "
                                   + " -> ".join(display_name(p) for p in circle))])
    if len(chain) > MOST_BASES:
        raise RecipeError([Mistake(base.place, "base", f"more than {MOST_BASES} recipes stand on one another")])
    if not path.is_file():
        raise RecipeError([Mistake(base.place, "base", f"there is no file {display_name(path)}",
                                   "a path is relative to the file that names it")])
    parent = expand(read_file(path, merger.mistakes), merger.mistakes)
    if not parent.is_map:
        raise RecipeError([Mistake(parent.place, "", "a recipe is a map")])
    return merger.merge(with_bases(parent, [*chain, resolved], plugins, merger, path.parent), own)
