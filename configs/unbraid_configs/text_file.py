"""The text of a recipe file, or why it is none."""

from __future__ import annotations

from pathlib import Path

from unbraid_configs.mistakes import Mistake, RecipeError
from unbraid_configs.recipe import Place

LARGEST = 1_000_000                                 # bytes


def display_name(path: Path) -> str:
    """A path as messages show it: relative where it lies below the working folder."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def read_text(path: Path, name: str) -> str:
    """The text of a recipe file.  Raises RecipeError for what cannot be one."""
    place = Place(name)
    try:
        if path.is_dir():
            raise RecipeError([Mistake(place, "", "is a folder, not a recipe", _recipe_within(path))])
        if not path.is_file() and path.exists():
            raise RecipeError([Mistake(place, "", "is not a file")])
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RecipeError([Mistake(place, "", f"cannot be read: {reason}")]) from None
    except ValueError as error:                     # a null character in the path
        raise RecipeError([Mistake(place, "", f"is no path: {error}")]) from None
    if len(data) > LARGEST:
        raise RecipeError([Mistake(place, "", "is larger than 1 MB, which no recipe is", "is it a recipe at all?")])
    if b"\0" in data:
        raise RecipeError([Mistake(place, "", "is not text but a binary file", "a recipe is a YAML or TOML file")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[:error.start].decode("utf-8-sig", errors="replace")
        line = before.count("\n") + 1
        place = Place(name, line, len(before) - before.rfind("\n"))
        raise RecipeError([Mistake(place, "", "is not UTF-8 text", "save the file as UTF-8")]) from None


def _recipe_within(folder: Path) -> str:
    inside = folder / "recipe.yaml"
    return f"give the file: {inside}" if inside.is_file() else "give a YAML or TOML file"
