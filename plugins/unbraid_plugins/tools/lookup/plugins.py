"""`unbraid plugins`: installed plugins, their origins and their problems."""

from __future__ import annotations

import json

import click

from unbraid.cli import Session, columns
from unbraid_plugins.tools.lookup.listing import looked_up
from unbraid_registry.terminal import echo


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def command(session: Session, as_json: bool) -> None:
    """List plugins, where they are from and their problems."""
    content = looked_up(session)["installed"]
    if as_json:
        echo(json.dumps(content, indent=1))
        return
    rows = [[p["name"], p["status"], f"{p['components']}" if p["status"] == "loaded" else "-",
             f"{p['distribution']} {p['version']}".strip() or "a file", p["path"]] for p in content["plugins"]]
    echo(columns(rows, ("plugin", "status", "components", "from", "where"), numbers=(2,)))
    if content["commands"]:
        echo(f"\ncommands of plugins: {', '.join(content['commands'])}")
    if problems := content["problems"]:
        echo(f"\n{len(problems)} problem{'s' if len(problems) > 1 else ''}: see above, and unbraid doctor for the "
             "tracebacks", err=True)
