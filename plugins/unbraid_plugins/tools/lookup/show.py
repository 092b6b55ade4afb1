"""`unbraid show`: a recipe as it is resolved, or the JSON schema of all recipes."""

from __future__ import annotations

from pathlib import Path

import click

from unbraid.cli import OVERRIDES, Session, read_recipe
from unbraid_plugins.tools.lookup.listing import looked_up
from unbraid_registry.terminal import echo


@click.command("show")
@click.argument("recipe", required=False, metavar="RECIPE|PACK")
@OVERRIDES
@click.option("--json-schema", is_flag=True, help="Print the JSON schema of recipes, with all components, for editors.")
@click.pass_obj
def command(session: Session, recipe: str | None, overrides: tuple[str, ...], json_schema: bool) -> None:
    """Show a recipe as it is resolved, with the origin of every value; or what a pack is."""
    if json_schema:
        import json

        from unbraid_configs import recipe_schema

        echo(json.dumps(recipe_schema(), indent=1))
        return
    if recipe is None:
        raise click.UsageError("name a recipe  (all: unbraid list recipes), or give --json-schema")
    if recipe.endswith(".safetensors") or recipe.startswith(("hub:", "model:")):
        from unbraid.runs import Run

        echo(str(Run.at(recipe)))
        return
    from unbraid_plugins.tools.lookup import kept

    plain = not (overrides or session.files or session.block or session.strict or Path(recipe).exists())
    if not plain or not (text := ((kept.read() or {}).get("shown", {})).get(recipe)):
        text = shown(recipe, overrides)
        if plain and any(e["kind"] == "recipe" and e["name"] == recipe for e in looked_up(session)["entries"]):
            from unbraid_plugins.tools.lookup.catalogue import keep_shown

            keep_shown(recipe, text)               # a file may have changed until the next time
    echo(text, nl=False)


def shown(recipe: str, overrides: tuple[str, ...]) -> str:
    """Return a recipe as it is resolved; bundled recipes are named without their folder."""
    from unbraid_configs import show_recipe
    from unbraid_configs.library import FOLDER

    return show_recipe(read_recipe(recipe, overrides, on_paper=True)).replace(f"# {FOLDER}/", "# ")
