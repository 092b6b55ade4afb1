"""Readers of recipe files into raw trees: YAML 1.2 with the place of every value, or TOML."""

from __future__ import annotations

import errno
import re
import tomllib
from pathlib import Path

import attrs

from unbraid_configs import Mistake, Place, RecipeError
from unbraid_configs.reading.nodes import OVERRIDE, Node, from_python
from unbraid_configs.reading.yaml_reader import DEEPEST, MOST_NAMES, MOST_VALUES, read_yaml
from unbraid_registry.files import read_whole

_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DEEP_KEY = re.compile(rf"(?<![\w-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{DEEPEST},}}")


def read_file(path: Path, mistakes: list[Mistake]) -> Node:
    """Read a file into a tree; small mistakes are appended to `mistakes`, others raise RecipeError."""
    name = display_name(path)
    text = read_text(path, name)
    if path.suffix.lower() == ".toml":
        return read_toml(text, name)
    return read_yaml(text, name, mistakes)


def read_toml(text: str, name: str) -> Node:
    """Read a TOML document into a tree; its places are the file alone, since tomllib reports no lines."""
    place = Place(name)
    if deep := _DEEP_KEY.search(text):             # each dot is a map, and tomllib keeps all of their paths
        raise RecipeError([Mistake(Place(name, text.count("\n", 0, deep.start()) + 1, 1), "",
                                   f"more than {DEEPEST} levels of nesting")])
    try:
        tree = from_python(tomllib.loads(text), place)
        _check_size(tree)
        return tree
    except tomllib.TOMLDecodeError as error:
        message, _, where = str(error).partition(" (at ")
        found = re.match(r"line (\d+), column (\d+)", where)
        if found:
            place = Place(name, int(found[1]), int(found[2]))
        raise RecipeError([Mistake(place, "", f"is not TOML: {message[:1].lower()}{message[1:]}")]) from None
    except ValueError as error:
        reason = "a number is too large" if "integer string conversion" in str(error) else str(error)
        raise RecipeError([Mistake(place, "", reason)]) from None
    except RecursionError:
        raise RecipeError([Mistake(place, "", "is nested too deeply")]) from None


def _check_size(tree: Node) -> None:
    values = [node for _, node in tree.walk()]
    names = sum(len(node.value) for node in values if node.is_map)
    if len(values) > MOST_VALUES or names > MOST_NAMES:
        what = f"{MOST_NAMES} names" if names > MOST_NAMES else f"{MOST_VALUES} values"
        raise ValueError(f"more than {what}, which no recipe has")


def read_override(text: str, mistakes: list[Mistake]) -> Node:
    """Read the value of an override as YAML; every place is '<override>'."""
    found: list[Mistake] = []
    try:
        node = read_yaml(text, OVERRIDE.file, found)
    except RecipeError as error:
        found = error.mistakes
        node = Node("", style="broken")
    mistakes += [attrs.evolve(mistake, place=OVERRIDE) for mistake in found]
    if not text.strip():
        node = Node(None, style="plain")
    return _move(node)


def _move(node: Node) -> Node:
    value = node.value
    if isinstance(value, dict):
        value = {key: _move(item) for key, item in value.items()}
    elif isinstance(value, list):
        value = [_move(item) for item in value]
    style = node.style if node.style in ("plain", "broken") else ""
    return attrs.evolve(node, value=value, place=OVERRIDE, key=OVERRIDE, style=style)


LARGEST = 1 << 18                                   # bytes


def display_name(path: Path) -> str:
    """Return a path as messages show it: relative where it lies below the working folder."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def read_text(path: Path, name: str) -> str:
    """Read the text of a recipe file.  Raises RecipeError where it cannot be a recipe."""
    place = Place(name)
    try:
        if path.is_dir():
            raise RecipeError([Mistake(place, "", "is a folder, not a recipe", _recipe_within(path))])
        data = read_whole(path, LARGEST)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise RecipeError([Mistake(place, "", "is larger than 256 kB, which no recipe is",
                                       "is it a recipe at all?")]) from None
        reason = (error.strerror or str(error)).lower()
        raise RecipeError([Mistake(place, "", f"cannot be read: {reason}")]) from None
    except ValueError as error:                     # a null character in the path
        raise RecipeError([Mistake(place, "", f"is no path: {error}")]) from None
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
