"""`unbraid draw`: draw a method's figure."""

from __future__ import annotations

from pathlib import Path

import click

from unbraid.cli import OVERRIDES, RECIPE, read_recipe
from unbraid_registry.terminal import echo


@click.command("draw")
@RECIPE
@OVERRIDES
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="An .svg, .png or .pdf file (default: RECIPE.svg).")
def command(recipe: str, overrides: tuple[str, ...], out: Path | None) -> None:
    """Draw a method's figure."""
    from unbraid_plugins.tools.figure import draw_figure

    read = read_recipe(recipe, overrides, on_paper=True)
    echo(f"wrote {draw_figure(read, out or Path(f'{Path(recipe).stem}.svg'))}")
