"""`unbraid plugins`: installed plugins, their origins and their problems."""

from __future__ import annotations

import json
from typing import Any

import attrs
import click

from unbraid.cli import columns, foreign_commands
from unbraid_registry.terminal import echo

COLOURS = {"loaded": "green", "blocked": "yellow", "failed": "red"}


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List plugins, where they are from and their problems."""
    from unbraid_registry import registry

    loaded = registry()
    commands = sorted(foreign_commands(ctx))
    if as_json:
        problems = [{k: v for k, v in attrs.asdict(p).items() if k != "traceback"} for p in loaded.problems]
        content: dict[str, Any] = {"plugins": [attrs.asdict(p) for p in loaded.plugins], "problems": problems,
                                   "commands": commands}
        echo(json.dumps(content, indent=1))
        return
    rows = [[p.name, p.status, f"{p.components}" if p.status == "loaded" else "-",
             f"{p.distribution} {p.version}".strip() or "a file", p.path] for p in loaded.plugins]
    echo(columns(rows, ("plugin", "status", "components", "from", "where"), numbers=(2,)))
    if commands:
        echo(f"\ncommands of plugins: {', '.join(commands)}")
    if loaded.problems:
        echo(f"\n{len(loaded.problems)} problem{'s' if len(loaded.problems) > 1 else ''}: see above, and "
                   "unbraid doctor for the tracebacks", err=True)
