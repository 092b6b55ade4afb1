"""Recipes by name: the bundled ones and those that plugins contribute."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Protocol

from unbraid_configs.checking import Finds
from unbraid_configs.mistakes import Mistake, Place, RecipeError
from unbraid_configs.reading import read_file
from unbraid_registry import UnbraidError, closest

FOLDER = Path(__file__).parent / "recipes"
SUFFIXES = (".yaml", ".yml", ".toml")


class Plugins(Protocol):
    """The part of the plugin registry that recipes need."""

    @property
    def catalog(self) -> Finds:
        """The components of all plugins."""
        ...

    @property
    def recipes(self) -> dict[str, Path]:
        """The recipes that plugins contribute, by name."""
        ...


@cache
def bundled_recipes() -> dict[str, Path]:
    """Return the recipes of this distribution, name -> file."""
    return {file.stem: file for file in sorted(FOLDER.glob("*/*.yaml"))}


def all_recipes(plugins: Plugins) -> dict[str, Path]:
    """Return bundled and contributed recipes; those of other distributions are called `plugin.recipe`."""
    return plugins.recipes | bundled_recipes()


def is_path(text: str) -> bool:
    """Whether a text is the path of a file, and not the name of a recipe."""
    return text.lower().endswith(SUFFIXES) or "/" in text or "\\" in text


def find_recipe(name: str, plugins: Plugins, *, beside: Path | None = None, place: Place | None = None,
                path: str = "") -> Path:
    """Return the file of a recipe, given its path or its name.

    beside: the folder that a relative path starts from (default: the working folder).
    place, path: the position of the name in the recipe that refers to it, for errors.

    `plugin:recipe` is another way to write `plugin.recipe`.  Raises RecipeError for an unknown name.
    """
    if is_path(name):
        return (beside or Path()) / Path(name).expanduser()
    known = bundled_recipes()
    if name in known:
        return known[name]
    known = all_recipes(plugins)
    if name.replace(":", ".") in known:
        return known[name.replace(":", ".")]
    message, hint = f"no recipe is called {name!r}", _hint(name, known, beside)
    try:
        plugins.catalog.find(name.replace(":", "."))
    except UnbraidError as error:
        near = closest(name, [k for k in known if "." in k or "." not in name.replace(":", ".")])
        if getattr(error, "plugin", "") and not (getattr(error, "closest", "") or near):
            message, hint = error.message, error.hint
    raise RecipeError([Mistake(place or Place(name), path, message, hint)])


def _hint(name: str, known: dict[str, Path], beside: Path | None) -> str:
    folder = beside or Path()
    try:
        files = [folder / f"{name}{suffix}" for suffix in SUFFIXES if (folder / f"{name}{suffix}").is_file()]
        folder_here = (folder / name / "recipe.yaml").is_file()
    except (OSError, ValueError):
        files, folder_here = [], False
    own = [k for k in known if k.endswith(f".{name}")]
    if own:
        return f"write {own[0]}"
    if files:
        return f"for the file write {f'./{files[0]}' if beside is None else files[0].name}"
    if folder_here:
        return f"for the run's recipe write {name}/recipe.yaml"
    near = closest(name.replace(":", "."), known)
    return near or (f"there is {', '.join(sorted(known))}" if known else "give the path of a file")


def whole_name(name: str, plugins: Plugins) -> str:
    """Complete the beginning of a recipe's name, where only one recipe's name begins with it.

    Recipes, files, and texts that begin no name are returned unchanged.  Raises UnbraidError where several names fit.
    """
    known = all_recipes(plugins)
    if name in known or is_path(name) or Path(name).is_file():
        return name
    fitting = sorted(k for k in known if k.startswith(name))
    if len(fitting) > 1:
        raise UnbraidError(f"{name!r} begins the names of several recipes: {', '.join(fitting)}",
                           hint="write one of them")
    return fitting[0] if fitting else name


def title_of(file: Path) -> str:
    """Read a recipe's title, without checking the recipe."""
    try:
        node = read_file(file, []).get("title")
    except (UnbraidError, OSError) as error:
        return f"(can't be read: {str(error).splitlines()[0]})"
    return str(node.value) if node is not None else ""
