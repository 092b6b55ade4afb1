"""`unbraid list`: recipes and components."""

from __future__ import annotations

import json
from collections.abc import Iterable

import click

from unbraid.cli.program import one_of
from unbraid.cli.tables import columns
from unbraid_registry.terminal import echo

PLURALS = {"losses": "loss"}


def _kind(ctx: click.Context, parameter: click.Parameter, given: str | None) -> str | None:
    from unbraid_registry import KINDS

    if given is None:
        return None
    kinds = ("recipe", *KINDS)
    singular = PLURALS.get(given, given.removesuffix("s"))
    return singular if singular in kinds else one_of(given, kinds, "kind")


@click.command("list")
@click.argument("kind", required=False, callback=_kind, metavar="[KIND]")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def command(kind: str | None, as_json: bool) -> None:
    """List recipes and components.

    KIND is recipe, encoder, generator, critic, renderer, network, loss, operation, source or metric.
    """
    from unbraid_registry import KINDS

    found = {k: list(entries(k)) for k in ((kind,) if kind else ("recipe", *KINDS))}
    if as_json:
        echo(json.dumps([entry for group in found.values() for entry in group], indent=1))
        return
    tables = [columns([[e["name"], e["plugin"], e["summary"]] for e in group], ("name" if kind else k, "plugin", ""))
              for k, group in found.items() if group]
    for number, text in enumerate(tables or [f"there is no {kind or 'component'}"]):
        echo(("\n" if number else "") + text)


def entries(kind: str) -> Iterable[dict[str, str]]:
    """Yield the entries of a kind: the name that recipes use, the plugin, a summary and the place of the definition."""
    from unbraid_registry import registry

    loaded = registry()
    if kind == "recipe":
        from unbraid_configs import all_recipes, title_of

        for name, file in sorted(all_recipes(loaded).items()):
            plugin, dot, _ = name.partition(".")
            yield {"kind": kind, "name": name, "plugin": plugin if dot else "unbraid", "summary": title_of(file),
                   "location": str(file)}
        return
    components = loaded.catalog.all(kind)
    bare = [c.name for c in loaded.catalog.all() if c.bundled]
    for c in components:
        name = c.name if c.bundled and bare.count(c.name) == 1 else c.full_name
        yield {"kind": kind, "name": name, "plugin": c.plugin, "summary": c.summary, "location": c.location}
