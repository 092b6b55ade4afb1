"""Recipes as they are named at the command line: a bundled name, its beginning, or a file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unbraid_registry import UnbraidError

if TYPE_CHECKING:
    from unbraid_configs import Recipe, RecipeError

RECIPE = click.argument("recipe", metavar="RECIPE")
OVERRIDES = click.argument("overrides", nargs=-1, metavar="[a.b=c ...]")


def read_recipe(name: str, overrides: Sequence[str] = (), data: Path | None = None, *,
                on_paper: bool = False) -> Recipe:
    """The recipe of this name, with overrides, on its own data or on that of a folder or .npz file.

    on_paper: it is only looked at: environment variables that are not set stay as they are written.
    Raises RecipeError, or UnbraidError for an override or a folder that can't be one.
    """
    from unbraid_configs import RecipeError, load_recipe

    for text in overrides:
        if "=" not in text:
            raise UnbraidError(f"{text!r} is no override", hint="write path=value after the recipe: train.steps=1000")
    found = whole_name(name)
    if data is not None:
        overrides = [*overrides, *data_overrides(found, overrides, data)]
    if not on_paper:
        return load_recipe(found, overrides)
    try:
        return load_recipe(found, overrides)
    except RecipeError as error:
        unset = unset_variables(error)
        if not unset:
            raise
        with standing_for_themselves(unset):
            return load_recipe(found, overrides)


def unset_variables(error: RecipeError) -> list[str]:
    """The environment variables that a recipe lacks, if it lacks nothing else."""
    found = [re.match(r"the environment variable (\w+) is not set", m.message) for m in error.mistakes]
    return list(dict.fromkeys(f[1] for f in found if f)) if all(found) else []


@contextmanager
def standing_for_themselves(variables: Sequence[str]) -> Iterator[None]:
    """Within: variables have their own names as values."""
    os.environ.update({name: f"${{{name}}}" for name in variables})
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


def whole_name(name: str) -> str:
    """The name of a recipe that begins so, where it is the only one and `name` itself is neither recipe nor file."""
    from unbraid_configs import all_recipes, is_path
    from unbraid_registry import registry

    known = all_recipes(registry())
    if name in known or is_path(name) or Path(name).is_file():
        return name
    fitting = sorted(k for k in known if k.startswith(name))
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UnbraidError(f"{name!r} begins the names of several recipes: {', '.join(fitting)}",
                           hint="write one of them")
    return name


def data_overrides(name: str, overrides: Sequence[str], data: Path) -> list[str]:
    """The overrides that put a folder of pictures, or a .npz file, in place of the recipe's source.

    The images keep the recipe's size.  Raises UnbraidError.
    """
    from unbraid_configs import RecipeError, load_recipe

    place = data.expanduser()
    if not place.exists():
        raise UnbraidError(f"--data {data}: there is no such folder or file")
    if place.is_file() and place.suffix.lower() != ".npz":
        raise UnbraidError(f"--data {data}: expected a folder of pictures or an .npz file")
    if place.is_dir() and not any(place.iterdir()):
        raise UnbraidError(f"--data {data}: the folder is empty", hint="give a folder with pictures in it")
    options: dict[str, Any] = {"type": "npz" if place.is_file() else "folder", "path": str(place.resolve())}
    try:
        sources = load_recipe(name, overrides).data.sources
    except RecipeError:                            # its own data may not be here; mistakes are found in the end
        sources = {}
    if len(sources) > 1:
        raise UnbraidError(f"the recipe has several sources: {', '.join(sources)}",
                           hint=f"say which: data.sources.{next(iter(sources))}.path=FOLDER")
    size = next((s.options.get("size") for s in sources.values()), None)
    if size is not None and place.is_dir():
        options["size"] = size
    import json

    return [f"data.source={json.dumps(options)}"]
