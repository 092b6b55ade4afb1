"""Recipes as they are named at the command line: a bundled name, its beginning, or a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unbraid_registry import UnbraidError

if TYPE_CHECKING:
    from unbraid_configs import Recipe

RECIPE = click.argument("recipe", metavar="RECIPE")
OVERRIDES = click.argument("overrides", nargs=-1, metavar="[a.b=c ...]")


def read_recipe(name: str, overrides: Sequence[str] = (), data: Path | None = None, *,
                on_paper: bool = False) -> Recipe:
    """Read the recipe of a name, with overrides, on its own data or on that of a folder or .npz file.

    on_paper: the recipe is only shown; environment variables that are not set stay as they are written.
    Raises RecipeError, or UnbraidError for an override or data that can't be used.
    """
    from unbraid_configs import load_recipe, whole_name
    from unbraid_registry import registry

    for text in overrides:
        if "=" not in text:
            raise UnbraidError(f"{text!r} is no override", hint="write path=value after the recipe: train.steps=1000")
    found = whole_name(name, registry())
    if data is not None:
        overrides = [*overrides, *data_overrides(found, overrides, data)]
    return load_recipe(found, overrides, keep_unset=on_paper)


def data_overrides(name: str, overrides: Sequence[str], data: Path) -> list[str]:
    """Return overrides that replace the recipe's source by a folder of pictures or a .npz file.

    The pictures of a folder are scaled to the recipe's size.  Raises UnbraidError.
    """
    from unbraid_configs import RecipeError, load_recipe
    from unbraid_configs.variables import escape

    place = data.expanduser()
    if not place.exists():
        raise UnbraidError(f"--data {data}: there is no such folder or file")
    if place.is_file() and place.suffix.lower() not in (".npz", ".npy", ".h5", ".hdf5"):
        raise UnbraidError(f"--data {data}: expected a folder of pictures, or an .npz, .npy or HDF5 file")
    if place.is_dir() and not any(place.iterdir()):
        raise UnbraidError(f"--data {data}: the folder is empty", hint="give a folder with pictures in it")
    options: dict[str, Any] = {"type": "npz" if place.is_file() else "folder", "path": str(place.resolve())}
    try:
        sources = load_recipe(name, overrides, keep_unset=True).data.sources
    except RecipeError:                            # its own data may be missing; the last load reports mistakes
        sources = {}
    if len(sources) > 1:
        raise UnbraidError(f"the recipe has several sources: {', '.join(sources)}",
                           hint=f"name the place of each: {' '.join(f'data.sources.{s}.path=FOLDER' for s in sources)}")
    size = next((s.options.get("size") for s in sources.values()), None)
    if size is not None and place.is_dir():
        options["size"] = size
    return [f"data.source={json.dumps({**options, 'path': escape(options['path'])})}"]
