"""`unbraid list`: recipes and components, and everything about one of them."""

from __future__ import annotations

import json
import logging
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from unbraid.cli import Session, columns, one_of
from unbraid_registry.terminal import echo, lines as joined, style

if TYPE_CHECKING:
    from unbraid_plugins.tools.lookup.catalogue import Entry

PLURALS = {"losses": "loss"}


@click.command("list")
@click.argument("what", required=False, metavar="[KIND|NAME]")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def command(session: Session, what: str | None, as_json: bool) -> None:
    """List recipes and components, or show everything about one.

    KIND is recipe, encoder, generator, critic, renderer, network, loss, operation, source or metric. NAME is that of
    a component or a recipe: its options with types and defaults, what it takes and gives, its plugin and its file.
    """
    from unbraid_registry import KINDS

    found: list[Entry] = list(looked_up(session)["entries"])
    kinds = ("recipe", *KINDS)
    if what is None:
        chosen = found
    else:
        kind = what if what in kinds else PLURALS.get(what, what.removesuffix("s"))
        chosen = [e for e in found if e["kind"] == kind] if kind in kinds else named(what, found, kinds)
    if as_json:
        echo(json.dumps(chosen, indent=1))
        return
    if what is not None and kind not in kinds:
        tell([described(e) for e in chosen])
        return
    groups = {k: [e for e in chosen if e["kind"] == k] for k in kinds}
    tables = [columns([[e["name"], e["plugin"], e["summary"]] for e in group], ("name" if what else k, "plugin", ""))
              for k, group in groups.items() if group]
    tell(tables or [f"there is no {kind if what else 'component'}"])


def tell(texts: Sequence[str]) -> None:
    """Print texts with an empty line between them; a text may have styles."""
    for number, text in enumerate(texts):
        echo(("\n" if number else "") + text)


def looked_up(session: Session) -> dict[str, Any]:
    """Return the catalogue, the kept one if it is up to date; print the problems of plugins."""
    from unbraid_plugins.tools.lookup import kept

    plain = not (session.files or session.block or session.strict)
    known = kept.read() if plain else None
    if known is None:
        from unbraid_plugins.tools.lookup.catalogue import catalogue

        return catalogue(plain)
    for problem in known.get("problems", ()):
        logging.getLogger("unbraid.plugins").warning("%s", problem)
    return known


def named(name: str, found: list[Entry], kinds: tuple[str, ...]) -> list[Entry]:
    """Return the entries of a name: bare, or with its plugin.  Raises a usage error with the nearest name."""
    chosen = [e for e in found if name in (e["name"], e.get("full_name"))
              or name in [f"{e['plugin']}.{old}" for old in e.get("formerly", ())]]
    chosen = chosen or [e for e in found if e.get("full_name", "").rpartition(".")[2] == name]
    if not chosen:
        one_of(name, [*kinds, *(e["name"] for e in found), *(e["full_name"] for e in found if "full_name" in e)],
               "kind, component or recipe")
    return chosen


def described(e: Entry) -> str:
    """Return everything about a component or a recipe, as text."""
    head = style(e.get("full_name", e["name"]), bold=True) + f"  {e['kind']}, {e.get('origin', e['plugin'])}"
    lines: list[str] = [head, f"  {e['location']}", ""]
    lines += [textwrap.indent(e.get("doc") or e["summary"], "  ")]
    if e["kind"] == "recipe":
        return joined([*lines, "", f"  unbraid show {e['name']}", f"  unbraid check {e['name']}"])
    facts: list[tuple[str, Any]] = [("takes", e["takes"]), ("gives", e["gives"]), ("better", e["better"]),
                                    ("formerly", ", ".join(e["formerly"]))]
    shown = [[what, text] for what, text in facts if text]
    options = [[o["name"], o["type"], o["default"] or "(needed)"] for o in e["options"]]
    renamed = [[old, f"called {new} now", ""] for old, new in e["renamed"].items()]
    if shown:
        lines += ["", columns(shown, indent="  ")]
    if options:
        lines += ["", columns([*options, *renamed], ("option", "type", "default"), "  ")]
    return joined(lines)
