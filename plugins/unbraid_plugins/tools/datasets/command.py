"""`unbraid data list`, `show`, `get` and `verify`: data sets by name."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unbraid.cli import columns
from unbraid_registry import UnbraidError
from unbraid_registry.terminal import echo, style

if TYPE_CHECKING:
    from unbraid_plugins.tools.datasets.entry import DataSet

EVERY = 5.0                                        # seconds between two lines of progress
NAME = click.argument("name", metavar="NAME")


@click.group("data", short_help="List data sets by name, fetch them, and check those that are here.")
def data_command() -> None:
    """List data sets by name, fetch them, and check those that are here.

    In a recipe: source: {type: named, name: NAME}. Training never downloads.
    """


@data_command.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def list_command(as_json: bool) -> None:
    """List the data sets: images, size, factors, licence, and whether they are here."""
    from unbraid_plugins.tools.datasets.catalogue import all_sets

    sets = list(all_sets().values())
    if as_json:
        echo(json.dumps([facts(entry) for entry in sets], indent=1, ensure_ascii=False))
        return
    echo(columns([[e.name, f"{e.images:,}", size(e.bytes), state(e), short(e.licence), ", ".join(e.factors)]
                  for e in sets], ("name", "images", "size", "", "licence", "known of each image"), numbers=(1, 2)))


@data_command.command("show")
@NAME
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def show_command(name: str, as_json: bool) -> None:
    """Show all about a data set: licence, citation, files with their hashes, and the line of a recipe."""
    from unbraid_plugins.tools.datasets.catalogue import find_set, folder_of

    entry = find_set(name)
    if as_json:
        echo(json.dumps(facts(entry), indent=1, ensure_ascii=False))
        return
    echo(style(entry.title, bold=True))
    shown = [("name", entry.name), ("images", f"{entry.images:,}, {entry.image}"), ("known", ", ".join(entry.factors)),
             ("state", f"{state(entry)}, {folder_of(entry)}"), ("access", entry.access), ("how", entry.how),
             ("licence", entry.licence), ("citation", entry.citation), ("homepage", entry.homepage),
             ("checked", str(entry.checked)), *(("note", n) for n in entry.notes),
             ("recipe", f"source: {{type: named, name: {entry.name}}}")]
    for title, text in shown:
        if text:
            echo(f"  {title:<10}{text}")
    for file in entry.files:
        kind, found = file.hash
        echo(f"  {'file':<10}{file.name}" + (f"  {file.bytes:,} bytes" if file.bytes else "")
             + ("  may be missing" if file.optional else ""))
        for line in (f"{kind} {found}" if found else "no hash is published", *file.addresses, file.hint):
            if line:
                echo(f"  {'':<12}{line}")


@data_command.command("get")
@NAME
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="The folder for its files (default: NAME in the folder of data, UNBRAID_DATA).")
@click.option("--from", "own", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR",
              help="Your own copy: it is checked and remembered where it is; nothing is fetched.")
@click.option("--accept-licence", is_flag=True, help="Accept the licence without being asked.")
def get_command(name: str, to: Path | None, own: Path | None, accept_licence: bool) -> None:
    """Fetch a data set, check it, and open it once.

    What has arrived is kept: called again, it resumes.
    """
    from unbraid_plugins.tools.datasets.catalogue import find_set, open_set
    from unbraid_plugins.tools.datasets.getting import get

    if to is not None and own is not None:
        raise click.UsageError("--to and --from exclude each other: your own copy stays where it is")
    entry = find_set(name)
    echo(f"licence: {entry.licence}", err=True)
    if entry.accept and not accept_licence:
        ask(entry)
    folder = get(entry, to, own=own, progress=progress(), say=lambda line: echo(line, err=True))
    images = open_set(entry, folder, {})
    echo(f"{entry.name} is here: {len(images):,} images of {' x '.join(map(str, images.shape))}, "
         f"{', '.join(images.fields) or 'no fields'}, in {folder}")
    if len(images) != entry.images:
        echo(f"  the whole set has {entry.images:,} images", fg="yellow")
    for line in images.notes:
        echo(f"  {line}")
    echo(f"  in a recipe: source: {{type: named, name: {entry.name}}}")


@data_command.command("verify")
@NAME
def verify_command(name: str) -> None:
    """Read all files of a data set that is here, and compare them with their published hashes."""
    from unbraid_plugins.tools.datasets.catalogue import find_set
    from unbraid_plugins.tools.datasets.getting import SetError, verify

    entry = find_set(name)
    if wrong := verify(entry, echo):
        raise SetError("\n  ".join([f"the data set {name!r} is not as it should be", *wrong]),
                       hint=f"remove the wrong files, then: unbraid data get {name}")


def ask(entry: DataSet) -> None:
    """Ask whether a licence is accepted.  Raises UnbraidError without a terminal, click.Abort where it is not."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UnbraidError(f"{entry.name} is fetched only by those who accept its licence: {entry.licence}",
                           hint=f"read {entry.homepage}, then: unbraid data get {entry.name} --accept-licence")
    click.confirm(f"Do you accept it? ({entry.homepage})", default=False, abort=True, err=True)


def progress() -> Callable[[int, int], None]:
    """Return what prints a line of progress every few seconds."""
    begun = last = time.monotonic()
    first = -1

    def show(done: int, whole: int) -> None:
        nonlocal last, first, begun
        now = time.monotonic()
        if first < 0 or done < first:
            first, begun = done, now
        if now - last >= EVERY:
            last = now
            share = f"{done / whole:4.0%} of {size(whole)}" if whole else size(done)
            echo(f"  {share}, {size(int((done - first) / max(now - begun, 1e-3)))}/s", err=True)

    return show


def state(entry: DataSet) -> str:
    """Return whether a set is here, and if not, how one gets it."""
    from unbraid_plugins.tools.datasets.catalogue import is_here

    return "here" if is_here(entry) else "to get" if entry.access == "open" else f"to ask for ({entry.access})"


def facts(entry: DataSet) -> dict[str, Any]:
    """Return all about a set, for JSON."""
    import attrs

    from unbraid_plugins.tools.datasets.catalogue import folder_of

    found = attrs.asdict(entry, value_serializer=lambda _, __, v: list(v) if isinstance(v, tuple) else v)
    return {**found, "checked": str(entry.checked), "bytes": entry.bytes, "state": state(entry),
            "folder": str(folder_of(entry))}


def short(licence: str) -> str:
    """Return a licence in a table's cell."""
    return licence if len(licence) <= 32 else licence[:31].rstrip(" ,;:") + "…"


def size(count: int) -> str:
    """Return a number of bytes in words; a question mark where it is not known."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes" if count else "?"
