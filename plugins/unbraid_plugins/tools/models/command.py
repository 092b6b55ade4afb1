"""`unbraid models list`, `show`, `get` and `make`: trained models by name."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unbraid.cli import Session, columns
from unbraid_registry.terminal import echo, style

if TYPE_CHECKING:
    from unbraid_plugins.tools.models.catalogue import TrainedModel

NAME = click.argument("name", metavar="NAME")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")


@click.group("models", short_help="List trained models, fetch one, or make it by one command.")
def models_command() -> None:
    """List trained models, fetch one, or make it by one command.

    A model that is here is a RUN for every command: unbraid view model:NAME.
    """


@models_command.command("list")
@AS_JSON
def list_command(as_json: bool) -> None:
    """List the models: recipe, size, licence, a score, and whether they are here."""
    from unbraid_plugins.tools.datasets import size
    from unbraid_plugins.tools.models.catalogue import all_models

    known = list(all_models().values())
    if as_json:
        echo(json.dumps([facts(entry) for entry in known], indent=1, ensure_ascii=False))
        return
    echo(columns([[m.name, size(m.file.bytes), state(m), m.licence, scores(m, 1), m.title] for m in known],
                 ("name", "size", "", "licence", "score", "model"), numbers=(1,)))


@models_command.command("show")
@NAME
@AS_JSON
def show_command(name: str, as_json: bool) -> None:
    """Show all about a model: the command that makes it, its pack's address, size and hash, licences, scores."""
    from unbraid_plugins.tools.models.catalogue import find_model

    entry = find_model(name)
    if as_json:
        echo(json.dumps(facts(entry), indent=1, ensure_ascii=False))
        return
    echo(style(entry.title, bold=True))
    for title, text in shown(entry):
        echo(f"  {title:<16}{text}")


@models_command.command("get")
@NAME
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="The folder for its pack (default: models in the folder of data, UNBRAID_DATA).")
def get_command(name: str, to: Path | None) -> None:
    """Fetch a model's pack and check it.

    What has arrived is kept: called again, it resumes.
    """
    from unbraid_plugins.tools.datasets import progress
    from unbraid_plugins.tools.models.catalogue import find_model
    from unbraid_plugins.tools.models.getting import get

    entry = find_model(name)
    echo(f"licence: {entry.licence}; of its data: {entry.data_licence}", err=True)
    found = get(entry, to, progress())
    echo(f"{name} is here: {found}, {found.stat().st_size:,} bytes")
    echo(f"  look at it: unbraid view {shlex.quote(f'model:{name}' if to is None else str(found))}")


@models_command.command("make")
@NAME
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="The folder of its training (default: runs/NAME); one that was begun is resumed.")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="The pack to write (default: NAME.safetensors).")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), metavar="N",
              help="Train at most for this long; called again, it resumes.")
@click.pass_obj
def make_command(session: Session, name: str, out: Path | None, to: Path | None, minutes: float | None) -> None:
    """Train a model, evaluate it, and write its pack."""
    from unbraid_plugins.tools.models.catalogue import find_model
    from unbraid_plugins.tools.models.making import make

    entry = find_model(name)
    session.run = folder = Path("runs", name) if out is None else out.expanduser()
    if entry.minutes:
        echo(f"The recorded training took about {entry.minutes:g} minutes on a busy core. Ctrl-C stops it with a "
             "checkpoint.", err=True)
    done = make(entry, folder, to or Path(entry.file.name), minutes=minutes, show=True,
                say=lambda line: echo(style(line, bold=True), err=True))
    if done is None:
        echo(f"The {minutes:g} minutes are over before the training is done. The same command resumes it.", err=True)
        return
    echo(f"wrote {done.pack}: {done.size:,} bytes")
    for metric, score in done.scores.items():
        recorded = entry.scores.get(metric)
        echo(f"  {metric:<28}{score:>10.4g}" + (f"   recorded: {recorded:.4g}" if recorded is not None else ""))
    echo(f"  look at it: unbraid view {shlex.quote(str(done.pack))}")


def state(entry: TrainedModel) -> str:
    """Return whether a model's pack is here, and if not, how one gets it."""
    from unbraid_plugins.tools.models.getting import file_of

    return "here" if file_of(entry).is_file() else "to get" if entry.addresses else "to make"


def shown(entry: TrainedModel) -> list[tuple[str, str]]:
    """Return the facts about a model as pairs of a title and a text."""
    from unbraid_plugins.tools.models.getting import file_of

    published = [("address", address) for address in entry.addresses] or [("address", "none: it is not published")]
    pairs = [("name", entry.name), ("state", f"{state(entry)}, {file_of(entry)}"), ("made by", entry.command),
             ("which trains", shlex.join(["unbraid", "train", entry.recipe, *entry.overrides])),
             *(("needs", f"{name}: {what}") for name, what in entry.needs.items()),
             ("takes", f"about {entry.minutes:g} minutes on a busy core" if entry.minutes else ""),
             *published, ("size", f"{entry.file.bytes:,} bytes" if entry.file.bytes else ""),
             ("sha256", entry.file.sha256), ("licence", entry.licence), ("data's licence", entry.data_licence),
             *(("score", f"{metric} {score:.4g}") for metric, score in entry.scores.items())]
    return [(title, text) for title, text in pairs if text]


def facts(entry: TrainedModel) -> dict[str, Any]:
    """Return all about a model, for JSON."""
    return {"name": entry.name, "title": entry.title, "recipe": entry.recipe, "overrides": list(entry.overrides),
            "command": entry.command, "needs": dict(entry.needs), "half": entry.half, "minutes": entry.minutes,
            "state": state(entry), "addresses": list(entry.addresses), "bytes": entry.file.bytes,
            "sha256": entry.file.sha256, "licence": entry.licence, "data_licence": entry.data_licence,
            "metrics": list(entry.metrics), "scores": dict(entry.scores)}


def scores(entry: TrainedModel, most: int) -> str:
    """Return a model's first scores in a table's cell."""
    return ", ".join(f"{metric} {score:.3g}" for metric, score in list(entry.scores.items())[:most])
