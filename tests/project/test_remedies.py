"""Remedies that our messages name exist: commands, their options, extras, settings of recipes, variables."""

from __future__ import annotations

import ast
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import attrs
import click
import pytest
from house import HOUSE, ROOT
from PIL import Image

from unbraid import UnbraidError
from unbraid.cli import recipe_on
from unbraid.cli.commands import INDEX
from unbraid.cli.program import program
from unbraid.data import open_data
from unbraid_configs import Data, Train
from unbraid_configs.recipe import Network, Optimizer, Player
from unbraid_registry import registry

COMMAND = re.compile(r"\bunbraid ([a-z][a-z-]+)((?: (?!or )[^\s;`),]+)*)")
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]+)")
OF_OTHERS = {"--no-python", "--nproc-per-node", "--nnodes", "--node-rank", "--master-addr", "--upgrade", "--logdir",
             "--force-reinstall", "--index-url", "--extra-index-url", "--no-deps", "--user", "--time",
             "--gpus-per-task", "--array", "--requeue", "--gres"}     # of torchrun, pip, TensorBoard, Slurm
SETTING = re.compile(r"\b(train|data)\.([a-z_]+)\b")
NO_COMMANDS = {"run", "plugin", "package", "reads", "and", "is", "has", "version", "command", "needs", "to", "of", "in",
               "with", "that", "itself", "import", "on", "for", "knows", "can", "or", "pack", "recipe", "does"}


def texts() -> Iterator[tuple[str, str]]:
    """Every text of the packages that is no docstring, with its place; `X` stands for what is filled in."""
    for file in sorted(HOUSE.files.values()):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        docs = {id(node.body[0].value) for node in ast.walk(tree)
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body
                and isinstance(node.body[0], ast.Expr)}
        inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if id(node) in docs | inside:
                continue
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{file.relative_to(ROOT)}:{node.lineno}", node.value
            elif isinstance(node, ast.JoinedStr):
                yield f"{file.relative_to(ROOT)}:{node.lineno}", "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)


@cache
def options_of(name: str) -> frozenset[str]:
    """The options of a command and of its own commands, with those that all commands share."""
    context = click.Context(program, info_name="unbraid")
    command = program.get_command(context, name)
    assert command is not None, name
    found = {option for p in command.params for option in (*p.opts, *p.secondary_opts)} | {"--help", "--version"}
    if isinstance(command, click.Group):
        found |= {option for below in command.commands.values() for p in below.params for option in p.opts}
    return frozenset(found)


FOUND = list(texts())


def test_commands_and_their_options_exist() -> None:
    wrong, seen = [], 0
    for place, text in FOUND:
        for command, rest in COMMAND.findall(text):
            if command in NO_COMMANDS and command not in INDEX:
                continue
            seen += 1
            if command not in INDEX:
                wrong.append(f"{place}: no command unbraid {command}")
            else:
                wrong += [f"{place}: unbraid {command} has no {option}" for option in OPTION.findall(rest)
                          if option not in options_of(command) and option not in OF_OTHERS]
    assert not wrong, "\n".join(wrong)
    assert seen > 40


def test_options_exist_somewhere() -> None:
    known = {option for name in INDEX for option in options_of(name)} | OF_OTHERS
    wrong = [f"{place}: {option}" for place, text in FOUND if " " in text for option in OPTION.findall(text)
             if option not in known and "#SBATCH" not in text]
    assert not wrong, "\n".join(wrong)


def test_extras_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = {(place, extra) for place, text in FOUND for extra in re.findall(r"unbraid\[([a-z]+)\]", text)}
    assert {extra for _, extra in named} <= extras.keys()
    assert len(named) > 3


def test_settings_exist() -> None:
    fields = {"train": {f.name for f in attrs.fields(Train)},
              "data": {f.name for f in attrs.fields(Data)} | {"source", "sources"}}
    wrong = [f"{place}: {section}.{name}" for place, text in FOUND if " " in text or "=" in text
             for section, name in SETTING.findall(text) if name not in fields[section]]
    assert not wrong, "\n".join(wrong)


def test_variables_are_read() -> None:
    asked = "\n".join(file.read_text(encoding="utf-8") for file in HOUSE.files.values())
    recipes = "\n".join(p.read_text(encoding="utf-8") for p in Path(ROOT / "configs").rglob("*.yaml"))
    named = {name for _, text in FOUND for name in re.findall(r"\b(UNBRAID_[A-Z_]+)\b", text)}
    unread = {name for name in named if f'"{name}"' not in asked and f"${{{name}" not in recipes
              and f"os.environ.get({name!r}" not in asked}
    assert not unread, unread


def test_options_of_components_that_hints_name_exist() -> None:
    options = {option.name for component in registry().catalog.all() for option in component.options}
    options |= {f.name.rstrip("_") for c in (Train, Data, Network, Player, Optimizer) for f in attrs.fields(c)}
    options |= {"source", "type", "base", "minimizes", "requires"}
    options |= {"classes", "near", "far", "X"}             # arguments of Python's interface, and what is filled in
    several = re.compile(r"(?:set|raise|lower) (?:the options? )?((?:`\w+(?:: [^`]*)?`(?:,? and )?)+)")
    named = {(place, name) for place, text in FOUND for names in several.findall(text)
             for name in re.findall(r"`(\w+)", names)}
    assert len(named) > 5
    assert {(place, name) for place, name in named if name not in options} == set()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for i in range(12):
        (tmp_path / "photos" / f"class{i % 2}").mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (20 * i, 9, 9)).save(tmp_path / "photos" / f"class{i % 2}" / f"{i}.png")
    return tmp_path / "photos"


@pytest.mark.parametrize("recipe", ["unit", "mixing", "mathieu"])
def test_the_remedy_for_a_recipe_on_data_of_ones_own_works(recipe: str, photos: Path, monkeypatch: pytest.MonkeyPatch
                                                           ) -> None:
    for variable in [name for name in os.environ if name.startswith("UNBRAID_") and name != "UNBRAID_CACHE"]:
        monkeypatch.delenv(variable)                               # another test may have told where data is
    with pytest.raises(UnbraidError, match="data of your own") as told:
        recipe_on(recipe, (), None)
    _, _, name, *rest = shlex.split(told.value.hint.replace("FOLDER", str(photos)).replace("PATH", str(photos)))
    data = Path(rest[1]) if rest[0] == "--data" else None
    read = recipe_on(name, () if data else tuple(rest), data)
    assert sum(len(images) for images in open_data(read.data).images_of.values()) in (12, 24)
