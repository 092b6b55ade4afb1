"""`unbraid new-plugin`: write a package with a loss, an encoder, a recipe and tests, ready to install."""

from __future__ import annotations

import keyword
import re
import shlex
import string
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from unbraid_registry import UnbraidError
from unbraid_registry.terminal import echo

TEMPLATE = resources.files("unbraid_plugins.tools.new_plugin") / "template"     # it has a folder PACKAGE
ENDING = ".template"


@click.command("new-plugin")
@click.argument("name", metavar="NAME")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where the package's folder is written (default: here).")
def command(name: str, out: Path | None) -> None:
    """Write a plugin package that is ready to install.

    NAME is the plugin's name in recipes: lower-case letters, digits and _.
    """
    folder = (out or Path()) / f"unbraid-{name.replace('_', '-')}"
    refuse(name, folder)
    written = write_package(name, folder)
    for path in written:
        echo(f"wrote {path}")
    echo(f"\nNext:  cd {shlex.quote(str(folder))}\n       pip install -e '.[test]'\n       pytest\n"
               f"       unbraid doctor {name}\n       unbraid check {name}.example")


def refuse(name: str, folder: Path) -> None:
    """Raise UnbraidError for a name that a plugin can't have, and for a folder that exists."""
    word = re.sub(r"\W+", "_", name.lower()).strip("_")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        suggestion = word if re.fullmatch(r"[a-z][a-z0-9_]*", word) else "my_plugin"
        raise UnbraidError(f"{name!r} can't be a plugin's name: lower-case letters, digits and _, a letter first",
                           hint=f"unbraid new-plugin {suggestion}")
    if keyword.iskeyword(name) or name in ("unbraid", "test", "tests"):
        raise UnbraidError(f"{name!r} can't be a plugin's name: Python or pytest use it",
                           hint=f"unbraid new-plugin my_{name}")
    if f"unbraid_{name}" in ("unbraid_registry", "unbraid_configs", "unbraid_plugins"):
        raise UnbraidError(f"{name!r} can't be a plugin's name: unbraid_{name} is a package of unbraid itself",
                           hint=f"unbraid new-plugin my_{name}")
    from unbraid_registry import registry

    known = {p.name: p for p in registry().plugins}
    if name in known:
        raise UnbraidError(f"there is a plugin {name!r} already: {known[name].origin}", hint="choose another name")
    if folder.exists():
        raise UnbraidError(f"{folder} is there already", hint="choose another name or --out")


def write_package(name: str, folder: Path) -> list[Path]:
    """Write the package from the template; return the paths of its files."""
    import unbraid
    from unbraid_registry import API_LEVEL
    from unbraid_registry.files import write_whole

    words = {"name": name, "package": f"unbraid_{name}", "distribution": f"unbraid-{name.replace('_', '-')}",
             "title": name.replace("_", " ").capitalize(), "version": unbraid.__version__, "api": str(API_LEVEL)}
    written = []
    for path, source in sorted(templates(TEMPLATE)):
        target = folder / path.removesuffix(ENDING).replace("PACKAGE", words["package"])
        write_whole(target, string.Template(source.read_text("utf-8")).substitute(words))
        written.append(target)
    return written


def templates(folder: Traversable, inside: str = "") -> list[tuple[str, Traversable]]:
    """Return all files of the template with their paths inside it."""
    found = []
    for entry in folder.iterdir():
        path = f"{inside}{entry.name}"
        if entry.is_dir():
            found += templates(entry, f"{path}/")
        elif entry.name.endswith(ENDING):
            found.append((path, entry))
    return found
